"""Fake studies that answer open questions: frames with planted effects, and whole databases."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.analysis.questions import StudyFrames
from dgsearch.database.recorder import Ending
from dgsearch.study.plan import plan_trials
from tests.fakes import SPACES, WIDER, FakeStudy, every_diagnostic, fake_spec, some_samples

__all__ = ["DESIGNS", "fail_one", "frames", "question_study", "rows", "values"]

NOISE = (-0.004, 0.003, -0.001, 0.002, 0.004, -0.003, 0.001, -0.002)
WILD = (-0.1, 0.08, -0.03, 0.06, 0.09, -0.08, 0.02, -0.05)  # hides every effect of the tests


def frames(trials: Sequence[Mapping[str, Any]], **changes: Any) -> StudyFrames:
    """A study of trials that say row, seed and accuracy (0..1), and whatever else is asked for.

    `diagnostics` of a trial become scores; three epochs of accuracies rise to the last one.
    """
    table, scores = [], []
    for number, trial in enumerate(trials):
        plain = {key: value for key, value in trial.items() if key != "diagnostics"}
        config = "|".join(str(v) for k, v in plain.items() if k not in ("seed", "accuracy"))
        table.append({
            "study": "s", "trial_number": number, "state": "COMPLETE", "role": "point",
            "config_id": config, "value": plain["accuracy"], "wall_s": 1.0, "saved_s": 0.0,
            "peak_memory_mb": 100.0, "accuracy/t": plain["accuracy"], **plain,
        })  # fmt: skip
        measured = {"accuracy": plain["accuracy"], **trial.get("diagnostics", {})}
        for epoch, (metric, value) in itertools.product((1, 2), measured.items()):
            shown = value - 0.1 * (2 - epoch) if metric == "accuracy" else value
            for split in ("test", "validation") if metric == "accuracy" else ("train",):
                scores.append({
                    "trial_number": number, "epoch": epoch, "split": split, "metric": metric,
                    "domain": "t", "value": shown,
                })  # fmt: skip
    trials_frame = pd.DataFrame(table).drop(columns="accuracy")
    scores_frame = pd.DataFrame(scores)
    return StudyFrames("s", trials_frame, scores_frame, ["t"], **changes)


def rows(
    levels: Mapping[str, float], *, seeds: int = 5, noise: Sequence[float] = NOISE, **more: Any
) -> list[dict[str, Any]]:
    """Trials of named rows: each level, a shift that seeds share, and noise of their own."""
    return [
        {
            "row": row, "seed": seed, "accuracy": level + 0.02 * seed + _own(noise, place, seed),
            **{key: value(row, seed) for key, value in more.items()},
        }
        for place, (row, level) in enumerate(levels.items())
        for seed in range(seeds)
    ]  # fmt: skip


def values(
    levels: Mapping[tuple[Any, ...], float], names: Sequence[str], *, seeds: int = 5,
    noise: Sequence[float] = NOISE,
) -> list[dict[str, Any]]:  # fmt: skip
    """Trials of a design that varies hyperparameters: one level for each tuple of values."""
    return [
        {
            "row": "mpbm", "seed": seed,
            "accuracy": level + 0.02 * seed + _own(noise, place, seed),
            **dict(zip(names, point, strict=True)),
        }
        for place, (point, level) in enumerate(levels.items())
        for seed in range(seeds)
    ]  # fmt: skip


def _own(noise: Sequence[float], place: int, seed: int) -> float:
    """Noise of one row and seed: nothing for the first row, another order for each further one."""
    return 0.0 if place == 0 else float(np.roll(noise, place)[seed % len(noise)])


VARIANTS = {
    "mpbm-ablation": (
        "ERM continued", "uniform attention", "plain attention", "random attention",
    ),
    "mpbm-q5-overhead": ("ERM continued", "manifold mixup"),
    "mpbm-q8-queries": ("noise alone", "FGSM"),
    "augkd-q1-data-free": ("off",),
    "augkd-q2-anchors": ("labels alone",),
    "augkd-q3-ramps": ("at once", "slow"),
    "augkd-q5-teachers": ("teacher as small as the student",),
    "augkd-q6-modules": ("without anchor", "without mixup"),
    "augkd-q7-anchor-choice": ("no anchor", "random anchors"),
    **{f"augkd-q8-gap-{name}": ("labels only",) for name in (
        "slanted", "typeset", "street", "photo",
    )},
}  # fmt: skip
VARIED: dict[str, tuple[str, dict[str, list[Any]]]] = {
    "mpbm-q1-erm": ("one-at-a-time", {"epochs": [1, 3, 6]}),
    "mpbm-q3-grid": (
        "grid", {"lambda_adv": [0.2, 0.8], "lambda_mix": [0.1, 1.0], "T": [1, 5], "N_b": [2, 10]},
    ),
    "mpbm-q4-other-source": ("one-at-a-time", {"T": [1, 5, 10], "N_b": [2, 5, 10]}),
    "mpbm-q6-synthetic": ("one-at-a-time", {"lambda_adv": [0.0, 0.5, 2.0]}),
    "mpbm-q9-lambda-mix": ("one-at-a-time", {"lambda_mix": [0.0, 0.5, 2.0]}),
    "augkd-q4-grid": ("grid", {"a": [0.2, 0.6], "b": [0.0, 0.2]}),
}  # fmt: skip
DESIGNS: dict[str, dict[str, Any]] = {
    **{
        name: {
            "kind": "ablation",
            "variants": {row: {"lr": 1e-4 * (n + 1)} for n, row in enumerate(variants)},
        }
        for name, variants in VARIANTS.items()
    },
    **{name: {"kind": kind, "vary": vary} for name, (kind, vary) in VARIED.items()},
}
"""Design of each study that a question reads, small."""


def question_study(
    database: str, name: str, *, seeds: Sequence[int] = (0, 1, 2), keep: int | None = None
) -> FakeStudy:
    """A study of the catalogue with results out of the air; only the first `keep` trials ended."""
    targets = [name.rpartition("-")[2]] if "-gap-" in name else ["photo", "street"]
    spec = fake_spec(
        WIDER, name=name, method=name.partition("-")[0], baselines=[], seeds=list(seeds),
        design=DESIGNS[name],
        data={"benchmark": "digits-mini", "source": ["scan"], "targets": targets},
    )  # fmt: skip
    study = FakeStudy(database, spec)
    random = np.random.default_rng(len(name))
    for trial in plan_trials(spec, SPACES)[:keep]:
        measured = every_diagnostic(0.5 + random.normal(0, 0.1))
        for metric in ("teacher_accuracy_student_domain", "label_agreement", "feature_mmd"):
            measured[metric] = 0.5 + random.normal(0, 0.1)
        started = study.complete(trial, 0.6 + random.normal(0, 0.02), measured, rise=0.02)
        if name in ("augkd-q1-data-free", "mpbm-q6-synthetic"):
            study.recorder.keep_samples(started.trial_id, some_samples())
    return study


def fail_one(study: FakeStudy) -> None:
    """The last planned trial of a study fails."""
    started = study.begin(plan_trials(study.spec, SPACES)[-1])
    study.recorder.end(started.trial_id, Ending("FAIL", "failed", error_type="E", error="x"))
