"""Figures as the plain data that plotly.js draws.

plotly's Python package checks every property of a figure when it is set, which takes as long as
all analyses of a small page. Here nothing is checked: a test reads the figures of whole pages
with that package, which refuses what it does not know.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

_TYPES = {
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4",
    "float32": "f4", "float64": "f8",
}  # fmt: skip
_SMALLER = (np.int8, np.int16, np.int32)  # plotly.js knows no larger ones
_TITLE = {"font": {"size": 16}, "showarrow": False, "xanchor": "center", "xref": "paper",
          "yanchor": "bottom", "yref": "paper"}  # fmt: skip


class Part(dict[str, Any]):
    """A part of a figure, whose keys are read as attributes too; None where there is no such."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self.get(name)
        return Part(found) if isinstance(found, dict) else found


def _trace(kind: str, properties: Mapping[str, Any]) -> Part:
    return Part({**properties, "type": kind})


def scatter(**properties: Any) -> Part:
    """A trace of marks or lines."""
    return _trace("scatter", properties)


def bar(**properties: Any) -> Part:
    """A trace of bars."""
    return _trace("bar", properties)


def heatmap(**properties: Any) -> Part:
    """A trace of cells."""
    return _trace("heatmap", properties)


def contour(**properties: Any) -> Part:
    """A trace of contours."""
    return _trace("contour", properties)


class Drawing:
    """Traces and their layout.

    Attributes:
        data: The traces.
        layout: What stands around them.
    """

    def __init__(
        self, traces: Iterable[Part] | Part = (), layout: Mapping[str, Any] | None = None
    ) -> None:
        """Begin with some traces, or with one."""
        self.data: list[Part] = [traces] if isinstance(traces, Part) else list(traces)
        self.layout = Part()
        self._columns = 0  # of panels; none: one pair of axes
        self.update_layout(**(layout or {}))

    @classmethod
    def of_panels(
        cls,
        rows: int,
        columns: int,
        *,
        titles: Sequence[str] = (),
        gaps: tuple[float | None, float | None] = (None, None),
        shared_y: bool = False,
    ) -> Drawing:
        """Panels in rows and columns, the first at the top left.

        Args:
            rows: Of panels.
            columns: Of panels.
            titles: Of the panels, row by row.
            gaps: Between columns and between rows, as a share of the figure.
            shared_y: Whether panels of a row share the vertical axis.
        """
        across, down = gaps
        across = 0.2 / columns if across is None else across
        down = 0.3 / rows if down is None else down
        width, height = (1 - across * (columns - 1)) / columns, (1 - down * (rows - 1)) / rows
        made, notes = cls(), []
        made._columns = columns
        for place in range(rows * columns):
            column, above = place % columns, rows - 1 - place // columns
            left, bottom = (width + across) * column, (height + down) * above
            number = _number(place)
            shared = {"matches": "y", "showticklabels": False} if shared_y and column else {}
            made.layout[f"xaxis{number}"] = {
                "anchor": f"y{number}",
                "domain": [left, left + width],
            }
            made.layout[f"yaxis{number}"] = {
                "anchor": f"x{number}", "domain": [bottom, bottom + height], **shared,
            }  # fmt: skip
            if place < len(titles):
                at = {"text": titles[place], "x": left + width / 2, "y": bottom + height}
                notes.append({**_TITLE, **at})
        if notes:
            made.layout["annotations"] = notes
        return made

    def add_trace(self, trace: Part, *, row: int = 0, column: int = 0) -> None:
        """Draw a trace, in a panel where there are some; rows and columns count from 1."""
        if row:
            number = _number((row - 1) * self._columns + column - 1)
            trace = Part({**trace, "xaxis": f"x{number}", "yaxis": f"y{number}"})
        self.data.append(trace)

    def update_layout(self, **properties: Any) -> Drawing:
        """Set properties of the layout; those of axes are joined to what they have."""
        for name, value in properties.items():
            known = self.layout.get(name)
            joined = isinstance(value, dict) and isinstance(known, dict)
            self.layout[name] = {**known, **value} if joined else value  # type: ignore[dict-item]
        return self

    def update_xaxes(self, *, row: int = 0, column: int = 0, **properties: Any) -> None:
        """Set properties of the horizontal axes, or of those of a row, a column, a panel."""
        self._update_axes("xaxis", row, column, properties)

    def update_yaxes(self, *, row: int = 0, column: int = 0, **properties: Any) -> None:
        """The same of vertical axes."""
        self._update_axes("yaxis", row, column, properties)

    def _update_axes(
        self, kind: str, row: int, column: int, properties: Mapping[str, Any]
    ) -> None:
        for name in [name for name in self.layout if name.startswith(kind)]:
            place = int(name.removeprefix(kind) or 1) - 1
            at = (place // self._columns + 1, place % self._columns + 1)
            if row in (0, at[0]) and column in (0, at[1]):
                self.layout[name] = {**self.layout[name], **properties}

    def add_line(
        self, *, x: Any = None, y: Any = None, line: Mapping[str, Any], text: str = ""
    ) -> None:
        """A line across every panel with traces, at one x or one y, with a text at its end."""
        for number in self._drawn():
            own = _across(number, x=x) if y is None else _across(number, y=y)
            self._add("shapes", {"type": "line", "line": line, **own})
            if text:
                note = {"showarrow": False, "text": text, "x": 1, "xanchor": "right", "y": y}
                refs = {"xref": f"x{number} domain", "yref": f"y{number}", "yanchor": "bottom"}
                self._add("annotations", {**note, **refs})

    def add_band(
        self,
        *,
        x: tuple[float, float] | None = None,
        y: tuple[float, float] | None = None,
        **properties: Any,
    ) -> None:
        """An area without an edge across every panel with traces, between two x or two y."""
        for number in self._drawn():
            own = _across(number, x=x) if y is None else _across(number, y=y)
            self._add("shapes", {"type": "rect", "line": {"width": 0}, **own, **properties})

    def add_shape(self, shape: Mapping[str, Any]) -> None:
        """Any other shape."""
        self._add("shapes", dict(shape))

    def _add(self, kind: str, item: dict[str, Any]) -> None:
        self.layout[kind] = [*self.layout.get(kind, []), item]

    def _drawn(self) -> list[str]:
        """The numbers of the panels with traces, in the names of their axes."""
        if not self._columns:
            return [""]
        return list(dict.fromkeys(str(trace["xaxis"])[1:] for trace in self.data))

    def plain(self) -> dict[str, Any]:
        """The figure as JSON has it."""
        return {"data": [_plain(trace) for trace in self.data], "layout": _plain(self.layout)}


def _number(place: int) -> str:
    """What follows the name of an axis of the panel at a place."""
    return str(place + 1) if place else ""


def _across(number: str, *, x: Any = None, y: Any = None) -> dict[str, Any]:
    """Where a shape lies that reaches from one side of a panel to the other."""
    if y is None:
        low, high = x if isinstance(x, tuple) else (x, x)
        ends = {"x0": low, "x1": high, "y0": 0, "y1": 1}
        return {**ends, "xref": f"x{number}", "yref": f"y{number} domain"}
    low, high = y if isinstance(y, tuple) else (y, y)
    ends = {"x0": 0, "x1": 1, "y0": low, "y1": high}
    return {**ends, "xref": f"x{number} domain", "yref": f"y{number}"}


def _plain(value: Any) -> Any:
    """A property as JSON has it: numbers of an array in base64, unknown ones as null."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, dict):
        return dict(_properties(value))
    if isinstance(value, pd.Series | pd.Index | pd.DataFrame | np.ndarray):
        return _array(value if isinstance(value, np.ndarray) else value.to_numpy())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _scalar(value)


def _properties(properties: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Those that are given; a title that is a text is one with only that."""
    for name, value in properties.items():
        if value is not None:
            titled = name == "title" and isinstance(value, str)
            yield name, {"text": value} if titled else _plain(value)


def _array(values: np.ndarray[Any, Any]) -> Any:
    if values.dtype == np.int64 and values.size:
        low, high = values.min(), values.max()
        for kind in _SMALLER:
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                values = values.astype(kind)
                break
    short = _TYPES.get(str(values.dtype))
    if short is None or not values.size:
        return [_plain(item) for item in values.tolist()]
    packed = base64.b64encode(values.tobytes()).decode("ascii")
    shape = {"shape": ", ".join(map(str, values.shape))} if values.ndim > 1 else {}
    return {"dtype": short, "bdata": packed, **shape}


def _scalar(value: Any) -> Any:
    """A number, a truth value or a time; what is missing or infinite is null."""
    if value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value
