"""Of a distillation: how many labelled images of the target a choice needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dgsearch.analysis.selection import MEAN
from dgsearch.analysis.validation_size import regret_by_images, sizes_up_to
from dgsearch.database.predictions import unpacked
from dgsearch.report.parts import Cell, Note, Rows, Section, Table
from dgsearch.report.view import StudyView
from dgsearch.report.words import records

_HEADINGS = (
    *("validation images", "seeds", "regret", "95% interval over seeds"),
    *("deviation over draws of images", "binomial error of one accuracy"),
)
_WORDS = (
    "The student is chosen by labelled images of the target (`student_validation`). Fewer of "
    "them are drawn among those that were stored, the same for all configurations of a seed; the "
    "configuration with the most right is chosen. Regret: how far it stays below the best one on "
    "the test images, which is itself the best of noisy numbers. The standard deviation over "
    "draws says how much one draw of so many images may differ from the mean. Of all stored "
    "images there is one draw: what other images would have chosen is not in it."
)


def validation_size_section(view: StudyView) -> Iterator[Section]:
    """Regret by the number of validation images, where the target has some."""
    seeds = _seeds(view)
    if not seeds:
        return
    images = min(right.shape[1] for right, _ in seeds.values())
    table = regret_by_images(seeds, sizes_up_to(images))
    unit = view.unit
    rows: Rows = [
        [
            Cell(str(row["images"]), row["images"]),
            Cell(str(row["seeds"]), row["seeds"]),
            unit.cell(row["regret"]),
            unit.between(row["low"], row["high"]),
            unit.cell(row["draws"]),
            unit.cell(row["binomial"]),
        ]
        for row in records(table)
    ]
    most = max(len(tested) for _, tested in seeds.values())
    caption = f"Regret of choosing among up to {most} configurations of a seed"
    shown = Table("validation-size", _HEADINGS, rows, (True,) * len(_HEADINGS), caption)
    yield Section(
        "validation-size", "How many validation images does a choice need?", [Note(_WORDS), shown]
    )


def _seeds(
    view: StudyView,
) -> Mapping[int, tuple[np.ndarray[Any, np.dtype[np.bool_]], list[float]]]:
    """By seed what each configuration got right of the target's validation, and its accuracy."""
    if len(view.targets) != 1 or view.metric != "accuracy":
        return {}
    found: dict[int, tuple[list[Any], list[float]]] = {}
    columns = ["trial_number", "seed", f"accuracy/{MEAN}"]
    for number, seed, accuracy in view.alike[columns].itertuples(index=False):
        stored = view.data.validated.get((int(number), view.targets[0]))
        if stored:
            rights, tested = found.setdefault(int(seed), ([], []))
            rights.append(unpacked(stored[1], stored[0]))
            tested.append(float(accuracy))
    return {
        seed: (np.stack(rights), tested)
        for seed, (rights, tested) in found.items()
        if len(rights) > 1 and len({len(right) for right in rights}) == 1
    }
