"""What all figures share: colours that mean the same everywhere, ranges, bounds on dots.

A domain has one colour on the whole page, from the palette of Okabe and Ito, which colour-blind
readers tell apart. Rows (methods, variants) take theirs from Tol's muted palette together with
dashes and symbols, so that they are not mistaken for domains.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.analysis.selection import MEAN
from dgsearch.report.figures.plain import heatmap

NEUTRAL = "#7a828b"
MOST_DOTS = 2000  # more dots than this are drawn as counts
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross", "pentagon")
_DOMAINS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_ROWS = (
    "#6355c4", "#44aa99", "#cc6677", "#999933", "#88ccee", "#aa4499", "#2a8f4a", "#c2a83e",
    "#a8324f",
)  # fmt: skip
_DASHES = ("solid", "dash", "dot", "dashdot")
_PADDING = 0.15  # of the range of the dots, above and below them
_REACH = 1.5  # of the range of the dots, that intervals may add above and below them
_CELLS = 60  # at most, on a side
_EVEN = 1e-6  # of a step

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Places = np.ndarray[Any, np.dtype[np.intp]]


def domain_colours(domains: Sequence[str]) -> dict[str, str]:
    """A colour for each domain and one for their mean."""
    colours = {name: _DOMAINS[place % len(_DOMAINS)] for place, name in enumerate(domains)}
    return colours | {MEAN: NEUTRAL}


def row_styles(rows: Sequence[str]) -> dict[str, dict[str, str]]:
    """Colour, dash and symbol of each row."""
    return {
        row: {
            "color": _ROWS[place % len(_ROWS)],
            "dash": _DASHES[(place // len(_ROWS) + place) % len(_DASHES)],
            "symbol": SYMBOLS[place % len(SYMBOLS)],
        }
        for place, row in enumerate(rows)
    }


def safe(text: str) -> str:
    """Text from outside for a hover template: no tag and no placeholder of it is obeyed.

    All other texts of a figure are escaped when the page is written.
    """
    return html.escape(text, quote=False).replace("%{", "% {").replace("{", "&#123;")


def around(
    shown: pd.Series[float], intervals: pd.DataFrame, *, least: float
) -> list[float] | None:
    """Limits of an axis that holds all numbers, and intervals unless these are far wider.

    Args:
        shown: The numbers.
        intervals: With low and high, in the same unit; may be missing.
        least: Smallest margin.
    """
    numbers = shown.dropna()
    if numbers.empty:
        return None
    low, high = float(numbers.min()), float(numbers.max())
    margin = max((high - low) * _PADDING, least)
    reach = max((high - low) * _REACH, least)
    ends = intervals[["low", "high"]].dropna()
    bottom = min([low, *ends["low"].clip(lower=low - reach)])
    top = max([high, *ends["high"].clip(upper=high + reach)])
    return [bottom - margin, top + margin]


def error_bars(part: pd.DataFrame, scale: float, *, middle: str = "mean") -> dict[str, Any]:
    """Bars from `low` to `high` around a column; hidden where there are none."""
    return {
        "array": (part["high"] - part[middle]) * scale,
        "arrayminus": (part[middle] - part["low"]) * scale,
        "visible": bool(part["low"].notna().any()),
        "thickness": 1.2,
        "width": 4,
    }


def leads(part: pd.DataFrame, keys: Sequence[str] = ()) -> dict[str, Any] | None:
    """What takes a click on a mean to its trials (trials.js); None where that is not known.

    Args:
        part: One row a mark in its order; with a column `behind` (`dgsearch.report.marks`).
        keys: Names by which marks are found where other settings may change their order.
    """
    if "behind" not in part:
        return None
    return {"means": part["behind"].tolist(), **({"keys": list(keys)} if keys else {})}


def compact(values: pd.Series[Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Numbers as a picture needs them: a large page holds thousands, in four bytes each."""
    return values.to_numpy(np.float32)


def density(x: pd.Series[Any], y: pd.Series[Any], label: str, axes: Mapping[str, str]) -> Any:
    """Many dots as counts in cells, which keeps the page small and honest about overlap."""
    (across, columns), (up, rows) = _cells(x), _cells(y)
    counts = np.zeros((len(up), len(across)), dtype=np.int32)
    np.add.at(counts, (rows, columns), 1)
    return heatmap(
        x=across,
        y=up,
        z=counts,
        colorscale="Cividis",
        reversescale=True,
        colorbar={"title": "trials", "thickness": 10},
        hovertemplate=f"{safe(axes['x'])} %{{x:.4~g}}<br>{safe(axes['y'])} %{{y:.4~g}}: "
        "%{z} trials<extra></extra>",
        name=label,
        zmin=0,
        opacity=0.85,
    )


def _cells(values: pd.Series[Any]) -> tuple[Numbers, Places]:
    """Middles of cells of equal width over the range of some numbers, and the cell of each.

    Few different numbers that lie on even steps are cells of their own.
    """
    numbers = values.to_numpy(dtype=np.float64)
    different = np.unique(numbers)
    low, high = float(different[0]), float(different[-1])
    if low == high:
        return np.array([low]), np.zeros(len(numbers), dtype=np.intp)
    step = float(np.diff(different).min())
    steps = (numbers - low) / step
    if (high - low) / step < _CELLS and np.abs(steps - np.rint(steps)).max() < _EVEN:
        places = np.rint(steps).astype(np.intp)
        return np.array([low + step * at for at in range(int(places.max()) + 1)]), places
    width = (high - low) / _CELLS
    places = np.minimum(((numbers - low) / width).astype(np.intp), _CELLS - 1)
    return np.array([low + width * (at + 0.5) for at in range(_CELLS)]), places
