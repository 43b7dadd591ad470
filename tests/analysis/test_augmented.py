"""Means over different families of transformations, moved to one level."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgsearch.analysis.augmented import augmented_values, judgings, moved
from dgsearch.study.families import FAMILIES

# method, its trials' accuracies under each family that judges it
Methods = Mapping[str, Sequence[Mapping[str, float]]]
PAIR: Methods = {"a": [{"blur": 0.8, "noise": 0.6}], "b": [{"noise": 0.5, "edges": 0.1}]}


def _frames(methods: Methods, epochs: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Trials, and their scores; in earlier epochs nothing is right."""
    trials, scores, number = [], [], 0
    for method, own in methods.items():
        for seed, accuracies in enumerate(own):
            trials.append(("s", number, method, f"{method}{number}", seed, "COMPLETE"))
            for epoch in range(1, epochs + 1):
                scores += [
                    (number, epoch, "augmented", name, "accuracy", value * (epoch == epochs))
                    for name, value in accuracies.items()
                ]
            number += 1
    return (
        pd.DataFrame(
            trials, columns=["study", "trial_number", "method", "config_id", "seed", "state"]
        ),
        pd.DataFrame(
            scores, columns=["trial_number", "epoch", "split", "domain", "metric", "value"]
        ),
    )


def _families(methods: Methods) -> dict[str, tuple[str, ...]]:
    return {method: tuple(own[0]) for method, own in methods.items()}


def _values(methods: Methods) -> list[float]:
    trials, scores = _frames(methods)
    (judging,) = judgings([(trials, scores, _families(methods))])
    found = augmented_values(scores, judging).set_index("trial_number")["augmented"]
    return [float(found[number]) for number in trials["trial_number"]]


def test_methods_are_compared_with_how_hard_their_families_are_taken_out() -> None:
    # blur is .2 easier than noise, edges .4 harder: levels .2, 0 and -.4, their mean -.2 / 3;
    # a is judged at level .1, b at -.2, so they move by -.5 / 3 and +.4 / 3
    assert _values(PAIR) == pytest.approx([0.7 - 0.5 / 3, 0.3 + 0.4 / 3])
    first, second = _values(PAIR)
    assert first - second == pytest.approx(0.1)  # as under noise, which judges both


def test_trials_that_the_same_families_judge_are_all_moved_alike() -> None:
    methods = {**PAIR, "a": [{"blur": 0.8, "noise": 0.6}, {"blur": 0.5, "noise": 0.7}]}
    first, second, _ = _values(methods)
    assert first - second == pytest.approx(0.7 - 0.6)


def test_where_one_set_of_families_judges_all_their_plain_means_count() -> None:
    accuracies = [
        {"blur": 0.1, "noise": 0.7, "edges": 0.3},
        {"blur": 0.2, "noise": 0.6, "edges": 0.3},
    ]
    trials, scores = _frames({"a": accuracies[:1], "b": accuracies[1:]})
    families = dict.fromkeys("ab", ("edges", "noise", "blur"))
    (judging,) = judgings([(trials, scores, families)])
    assert not judging.moves
    found = augmented_values(scores, judging)["augmented"].tolist()
    assert found == scores.groupby("trial_number")["value"].mean().tolist()  # to the last bit
    assert moved(trials, judging) is trials


def test_methods_that_nothing_links_are_not_compared() -> None:
    apart = {"a": [{"blur": 0.8}], "b": [{"edges": 0.1}]}
    assert all(math.isnan(value) for value in _values(apart))


def test_recorded_values_move_as_those_that_are_computed() -> None:
    trials, scores = _frames(PAIR)
    (judging,) = judgings([(trials, scores, _families(PAIR))])
    recorded = trials.assign(value=[0.7, 0.3])
    assert moved(recorded, judging)["value"].tolist() == pytest.approx(_values(PAIR))


def test_only_finished_trials_after_their_last_epoch_say_how_hard_a_family_is() -> None:
    trials, scores = _frames({**PAIR, "c": [{"blur": 0.0, "edges": 1.0}]}, epochs=2)
    trials.loc[2, "state"] = "FAIL"
    (judging,) = judgings([(trials, scores, _families(PAIR) | {"c": ("blur", "edges")})])
    assert judging.moves == {
        ("blur", "noise"): pytest.approx(-0.5 / 3),
        ("noise", "edges"): pytest.approx(0.4 / 3),
    }
    assert judging.move(2) == 0  # of a set that nothing finished is judged by


def test_two_studies_are_moved_to_a_level_of_both() -> None:
    parts = [_frames({method: own}) for method, own in PAIR.items()]
    studies = [(*frames, _families(PAIR)) for frames in parts]
    first, second = judgings(studies)
    assert first.moves == second.moves
    assert first.move(0) == pytest.approx(-0.5 / 3)
    assert second.move(0) == pytest.approx(0.4 / 3)


_NAMES = list(FAMILIES)[:5]
_Trial = st.fixed_dictionaries({name: st.floats(0, 1) for name in _NAMES})


@settings(max_examples=40)
@given(
    st.lists(_Trial, min_size=3, max_size=8),
    st.lists(st.sets(st.sampled_from(_NAMES[1:]), max_size=3), min_size=3, max_size=3),
)
def test_the_values_are_those_of_least_squares_on_trial_plus_family(
    rows: list[dict[str, float]], left_out: list[set[str]]
) -> None:
    """The first family judges every trial, so that all are linked."""
    cells = [
        (place, name, value)
        for place, row in enumerate(rows)
        for name, value in row.items()
        if name not in left_out[place % 3]
    ]
    judged = {name for _, name, _ in cells}
    names = [name for name in _NAMES if name in judged]
    design = np.zeros((len(cells), len(rows) + len(names)))
    for at, (place, name, _) in enumerate(cells):
        design[at, place] = design[at, len(rows) + names.index(name)] = 1
    solved = np.linalg.lstsq(design, np.array([value for *_, value in cells]), rcond=None)[0]
    expected = solved[: len(rows)] + solved[len(rows) :].mean()
    methods: dict[str, list[dict[str, float]]] = {}
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        kept = {name: value for name, value in row.items() if name not in left_out[place % 3]}
        methods.setdefault(str(place % 3), []).append(kept)
        places.setdefault(str(place % 3), []).append(place)
    order = [place for own in places.values() for place in own]
    assert _values(methods) == pytest.approx([expected[place] for place in order], abs=1e-9)
