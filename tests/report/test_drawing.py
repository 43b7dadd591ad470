"""What figures share: counts in cells, and the way from a mean to its trials."""

from __future__ import annotations

import pandas as pd

from dgsearch.report.building import build_page
from dgsearch.report.figures.base import density, leads
from dgsearch.report.parts import Figure
from tests.fakes import ABLATION, fake_spec, full_study

_AXES = {"x": "epoch", "y": "accuracy"}


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
