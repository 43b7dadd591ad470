"""Figures as plain data, counts in cells, and the way from a mean to its trials."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from plotly.subplots import make_subplots

from dgsearch.report.building import build_page
from dgsearch.report.encoding import figure_data
from dgsearch.report.figures.base import density, leads
from dgsearch.report.figures.plain import Drawing, heatmap, scatter
from dgsearch.report.parts import Figure
from tests.fakes import ABLATION, ADAPTIVE, GRID, fake_spec, full_study, rich_study

_AXES = {"x": "epoch", "y": "accuracy"}


def _of_plotly(figure: go.Figure) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(figure.to_json())
    plain["layout"].pop("template")
    return plain


def test_panels_lines_and_bands_are_those_of_plotly() -> None:
    ours = Drawing.of_panels(2, 2, titles=["a", "b", "c"], gaps=(0.1, 0.18))
    theirs = make_subplots(
        2, 2, subplot_titles=["a", "b", "c"], horizontal_spacing=0.1, vertical_spacing=0.18
    )
    for row, column in ((1, 1), (1, 2), (2, 1)):
        ours.add_trace(scatter(x=[1], y=[2]), row=row, column=column)
        theirs.add_trace(go.Scatter(x=[1], y=[2]), row=row, col=column)
    ours.add_line(x=1, line={"dash": "dot"})
    theirs.add_vline(x=1, line={"dash": "dot"})
    ours.add_line(y=2, line={"width": 1}, text="reported")
    theirs.add_hline(y=2, line={"width": 1}, annotation_text="reported")
    ours.add_band(y=(0, 1), opacity=0.2)
    theirs.add_hrect(y0=0, y1=1, opacity=0.2, line_width=0)
    ours.update_xaxes(title="epoch", row=2)
    theirs.update_xaxes(title="epoch", row=2)
    ours.update_yaxes(title="value", matches="y")
    theirs.update_yaxes(title="value", matches="y")
    assert ours.plain() == _of_plotly(theirs)


def test_a_shared_axis_is_that_of_plotly() -> None:
    ours = Drawing.of_panels(1, 2, gaps=(0.05, None), shared_y=True)
    theirs = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.05)
    assert ours.plain() == _of_plotly(theirs)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(3),
        np.array([1, 70_000]),
        np.array([1.5, np.nan]),
        np.array([[1, 2], [3, 4]]),
        np.array([1.5], np.float32),
        np.array([]),
        pd.Series(["a", None], dtype="string"),
        pd.Series([1, 2], dtype="Int64"),
        [1.5, None, "a"],
        [pd.Timestamp("2026-01-02"), None],
    ],
)
def test_values_are_written_as_plotly_writes_them(values: Any) -> None:
    shown = Drawing(scatter(x=values, name=None, marker={"size": 5, "color": None}))
    assert shown.plain() == _of_plotly(go.Figure(go.Scatter(x=values, marker={"size": 5})))


def test_a_title_that_is_a_text_is_one_of_a_colour_bar_too() -> None:
    shown = Drawing(heatmap(z=[[1.0]], colorbar={"title": "n"}), layout={"xaxis": {"title": "x"}})
    theirs = go.Figure(go.Heatmap(z=[[1.0]], colorbar={"title": "n"}))
    assert shown.plain() == _of_plotly(theirs.update_layout(xaxis={"title": "x"}))


@pytest.mark.parametrize("design", [ABLATION, GRID, ADAPTIVE, None])
def test_plotly_knows_every_property_of_the_figures_of_a_page(database: str, design: Any) -> None:
    rich_study(database, name="s", seeds=[0, 1, 2], **({"design": design} if design else {}))
    (part,) = build_page(database, ["s"]).parts
    blocks = [block for section in part.sections for block in section.blocks]
    figures = [block for block in blocks if isinstance(block, Figure)]
    assert len(figures) > 3
    for block in figures:
        go.Figure(figure_data(block.figure))  # raises what it does not know


def test_numbers_on_even_steps_are_cells_of_their_own() -> None:
    x, y = pd.Series([3, 3, 5, 9]), pd.Series([0.0, 0.0, 0.5, 1.0])
    drawn = density(x, y, "stopped", _AXES)
    assert list(drawn.x) == [3, 5, 7, 9]
    assert list(drawn.y) == [0.0, 0.5, 1.0]
    assert [list(row) for row in drawn.z] == [[2, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]


def test_many_different_numbers_fall_into_sixty_cells() -> None:
    x = pd.Series([0.0, 0.1234, 59.5, 60.0])
    drawn = density(x, pd.Series([1.0] * 4), "trials", _AXES)
    assert (len(drawn.x), drawn.x[0], drawn.x[-1]) == (60, 0.5, 59.5)
    assert list(drawn.y) == [1.0]
    row = list(drawn.z[0])
    assert (row[0], row[-1], sum(row)) == (2, 2, 4)  # both ends hold two


def test_a_mean_leads_to_its_trials_only_where_they_are_known() -> None:
    means = pd.DataFrame({"mean": [0.5], "behind": [[2, [3, 4]]]})
    assert leads(means) == {"means": [[2, [3, 4]]]}
    assert leads(means, ["full"]) == {"means": [[2, [3, 4]]], "keys": ["full"]}
    assert leads(means[["mean"]]) is None


def test_each_mean_of_an_ablation_names_the_trials_of_its_configuration(database: str) -> None:
    full_study(database, spec=fake_spec(design=ABLATION, baselines=[]))
    page = build_page(database, ["fake"])
    (figure,) = (
        block
        for section in page.parts[0].sections
        if section.anchor == "ablation"
        for block in section.blocks
        if isinstance(block, Figure)
    )
    means = figure.figure.data[1]
    found = dict(zip(means.meta["keys"], means.meta["means"], strict=True))
    trials = page.parts[0].details["trials"]
    for name, (count, numbers) in found.items():
        own = [int(number) for number, each in trials.items() if each["name"] == name]
        assert (count, numbers) == (len(own), sorted(own))
