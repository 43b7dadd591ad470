"""How sure are the accuracies over other seeds, over other test images, and over both?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dgsearch.analysis.permuting import Numbers
from dgsearch.analysis.selection import MEAN
from dgsearch.analysis.two_sources import (
    Doubt,
    bootstrap_error,
    mcnemar,
    over_domains,
    seeds_and_images,
)
from dgsearch.database.predictions import unpacked
from dgsearch.report.parts import Block, Cell, Note, Rows, Section, Table
from dgsearch.report.sections.domains import chosen_rows
from dgsearch.report.view import StudyView
from dgsearch.report.words import listed
from dgsearch.wording import p_text

_TITLE = "Seeds and test images"
_MOST_ROWS = 12
_SOURCES = ("over other seeds", "over other images", "over both", "over both, by bootstrap")
_WORDS = (
    "Two sources of doubt: training again with other seeds, and testing on other images of these "
    "targets. The ± of the domains table and the p values of this page are over seeds alone. "
    "Each column of intervals (95%) says over what. Over both: random effects of seeds and "
    "images, and next to it the crossed bootstrap, which draws seeds and images again and is a "
    "little wider. "
)
_LIKE_THESE = (
    "Over domains like these: the targets count as a sample of domains too; with few targets, "
    "this interval is wide. "
)
_DRAWN_AGAIN = (
    "Each seed tests on images of its own, so the effects of images and seeds are mixed: the "
    "interval over seeds has both sources where seeds share no test images, and where they share "
    "some it is too narrow."
)


@dataclass(frozen=True)
class _Row:
    """Correctness of one group of the domains table.

    Attributes:
        name: Of the group.
        seeds: In order.
        tables: (seeds, images) of each target.
    """

    name: str
    seeds: Sequence[int]
    tables: Sequence[Numbers]


def source_sections(view: StudyView) -> Iterator[Section]:
    """Tables of means and differences; nothing where it was not stored which images were right."""
    if not view.data.tested or view.metric != "accuracy":
        return
    if view.spec.data.redraw or "target/train" in view.facts.facts.get("images", ()):
        yield Section("sources", _TITLE, [Note(_DRAWN_AGAIN)])
        return
    rows = _rows(view)
    if not rows:
        return
    like = len(view.targets) > 1
    blocks: list[Block] = [Note(_WORDS + _LIKE_THESE * like), _means(view, rows)]
    if len(rows) > 1:
        blocks += _differences(view, rows)
    yield Section("sources", _TITLE, blocks)


def _rows(view: StudyView) -> list[_Row]:
    """The groups of the domains table whose trials all stored the same numbers of images."""
    numbers = view.done.set_index(["config_id", "seed"])["trial_number"].to_dict()
    found = []
    for name, part in list(chosen_rows(view).groupby("row", sort=False))[:_MOST_ROWS]:
        own = part.dropna(subset=["seed", MEAN]).sort_values("seed")
        trials = {
            int(seed): numbers[config, seed]
            for config, seed in zip(own["config_id"], own["seed"], strict=True)
        }
        stored = {
            seed: [view.data.tested.get((int(trial), target)) for target in view.targets]
            for seed, trial in trials.items()
        }
        whole = {seed: tests for seed, tests in stored.items() if None not in tests}
        sizes = {tuple(test[0] for test in tests if test) for tests in whole.values()}
        if len(sizes) != 1:
            continue
        tables = [
            np.array([unpacked(test[1], test[0]) for test in tests if test], dtype=np.float64)
            for tests in zip(*whole.values(), strict=True)
        ]
        found.append(_Row(str(name), list(whole), tables))
    return found


def _means(view: StudyView, rows: Sequence[_Row]) -> Table:
    like = len(view.targets) > 1
    shown: Rows = []
    for row in rows:
        cells = [view.unit.between(one.low, one.high) for one in _doubts(row.tables)]
        if like:
            domains = over_domains(np.column_stack([table.mean(axis=1) for table in row.tables]))
            cells.append(view.unit.between(domains.low, domains.high))
        images = sum(table.shape[1] for table in row.tables)
        mean = view.unit.cell(float(np.mean([table.mean() for table in row.tables])))
        count = Cell(str(len(row.seeds)), len(row.seeds))
        shown.append([row.name, count, Cell(str(images), images), mean, *cells])
    headings = ["group", "seeds", "images", "mean of targets", *_SOURCES]
    headings += ["over domains like these"] * like
    return Table(
        "sources",
        headings,
        shown,
        (False, *([True] * (len(headings) - 1))),
        f"Mean accuracy over {listed(list(view.targets))} with 95% intervals by source of doubt",
    )


def _differences(view: StudyView, rows: Sequence[_Row]) -> list[Block]:
    """Each group less the first, on the seeds that both have, image by image."""
    first, *others = rows
    shown: Rows = []
    for row in others:
        shared = [seed for seed in row.seeds if seed in first.seeds]
        sizes = [[table.shape[1] for table in one.tables] for one in (first, row)]
        if not shared or sizes[0] != sizes[1]:
            continue
        own, base = (_at(one, shared) for one in (row, first))
        tables = [one - other for one, other in zip(own, base, strict=True)]
        cells = [view.unit.between(one.low, one.high, signed=True) for one in _doubts(tables)]
        tests = [
            mcnemar(
                np.concatenate([table[at] for table in own]),
                np.concatenate([table[at] for table in base]),
            )
            for at in range(len(shared))
        ]
        mean = float(np.mean([table.mean() for table in tables]))
        ps = ", ".join(p_text(test.p) for test in tests)
        shown.append([row.name, str(len(shared)), view.unit.cell(mean, signed=True), *cells, ps])
    if not shown:
        return []
    note = Note(
        f"Differences from {first.name}, paired by seed and by image. McNemar's exact test asks "
        "of the two trials of each seed whether they are right on different images: it speaks of "
        "these two trained networks, not of the methods."
    )
    headings = ["group", "shared seeds", "difference", *_SOURCES, "McNemar p of each seed"]
    return [
        note,
        Table(
            "source-differences",
            headings,
            shown,
            (False, *([True] * (len(headings) - 2)), False),
            f"Differences from {first.name} with 95% intervals by source of doubt",
        ),
    ]


def _at(row: _Row, seeds: Sequence[int]) -> list[Numbers]:
    places = [list(row.seeds).index(seed) for seed in seeds]
    return [table[places] for table in row.tables]


def _doubts(tables: Sequence[Numbers]) -> list[Doubt]:
    """In the order of the columns: seeds, images, both, both by bootstrap."""
    both = seeds_and_images(tables)
    error = bootstrap_error(tables)
    reach = (both.high - both.mean) / both.error * error if both.error else 0.0
    return [
        seeds_and_images(tables, images=False),
        seeds_and_images(tables, seeds=False),
        both,
        Doubt(both.mean, error, both.mean - reach, both.mean + reach),
    ]
