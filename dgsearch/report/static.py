"""Every figure of a page as a file of its own, drawn by the Chromium of the system."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dgsearch.errors import ReportError
from dgsearch.files import safe_name
from dgsearch.report.building import Page
from dgsearch.report.encoding import figure_data
from dgsearch.report.parts import Figure, Section
from dgsearch.report.symbols import Symbols

FORMATS = ("svg", "pdf")
_WIDTH_PX = 900
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_STYLE = {
    "font": {"color": "#1b1f24", "family": "Helvetica, Arial, sans-serif", "size": 14},
    "paper_bgcolor": "white",
    "plot_bgcolor": "white",
    "margin": {"l": 70, "r": 20, "t": 50, "b": 60},
    "legend": {"orientation": "h", "y": -0.2, "yanchor": "top"},
}
_AXIS = {
    "gridcolor": "#e4e8ec", "linecolor": "#7a828b", "zerolinecolor": "#e4e8ec", "automargin": True,
}  # fmt: skip


def write_figures(page: Page, folder: Path) -> list[Path]:
    """Write each figure as SVG and PDF, named STUDY-FIGURE.

    Args:
        page: What is shown.
        folder: Where to; it is created.

    Returns:
        The files.

    Raises:
        ReportError: If no Chromium is found.
    """
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        raise ReportError(
            f"--figures {folder}: figures are drawn by Chromium, and none of "
            f"{', '.join(_BROWSERS)} is on the PATH; install one, for example the package chromium"
        )
    folder.mkdir(parents=True, exist_ok=True)
    symbols = Symbols(name for part in page.parts for name in part.symbols)
    wanted = [
        {
            "fig": symbols.figure(_styled(figure)),
            "path": str(folder / f"{name}.{suffix}"),
            "opts": {"format": suffix, "width": _WIDTH_PX, "height": figure.height_px},
        }
        for name, figure in _named(page)
        for suffix in FORMATS
    ]
    import kaleido

    kaleido.write_fig_from_object_sync(
        wanted,
        cancel_on_error=True,
        kopts={"mathjax": False, "path": browser},
    )
    return [Path(str(item["path"])) for item in wanted]


def _named(page: Page) -> Iterator[tuple[str, Figure]]:
    """Every figure with a name that is unique on the page."""
    together = [("studies", [page.together])] if page.together else []
    seen: set[str] = set()
    for study, sections in [*together, *((part.name, part.sections) for part in page.parts)]:
        for figure in _figures(sections):
            name = safe_name(f"{study}-{figure.name}")
            while name in seen:  # two names may differ only in what a file's name cannot hold
                name += "-"
            seen.add(name)
            yield name, figure


def _figures(sections: Any) -> Iterator[Figure]:
    for section in sections:
        assert isinstance(section, Section)
        yield from (block for block in section.blocks if isinstance(block, Figure))


def _styled(figure: Figure) -> dict[str, Any]:
    """The figure as on the page, on white."""
    data = figure_data(figure.figure)
    layout = {**data["layout"], **_STYLE}
    for key in {*layout, "xaxis", "yaxis"}:
        if key.rstrip("0123456789") in ("xaxis", "yaxis"):
            layout[key] = {**_AXIS, **layout.get(key, {})}
    return {"data": data["data"], "layout": layout}
