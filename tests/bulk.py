"""A fake search of many trials, inserted table by table, as large as a page must bear."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import insert, select

from dgsearch.database.rows import param_row, report_row, value_row
from dgsearch.database.tables import (
    INTERMEDIATE_VALUES,
    OWN_CONFIGURATIONS,
    OWN_SCORES,
    OWN_SERIES,
    OWN_TRIALS,
    PARAMS,
    TRIALS,
    VALUES,
)
from dgsearch.designs.points import Configuration
from tests.fakes import DISTRIBUTIONS, SPACES, FakeStudy, fake_spec

VARIED = ("lambda_adv", "lambda_mix", "T", "N_b", "lr", "attention")
TARGETS = ("photo", "street", "slanted")
DIAGNOSTICS = ("discriminator_accuracy", "attention_entropy", "supervised_loss", "epoch_s")
STOPPED = 0.6  # of the trials, after a third of their epochs


def bulk_search(database: str, *, trials: int, epochs: int = 9) -> None:
    """A search over six hyperparameters at one seed; most trials stopped early by halving.

    Args:
        database: URL of a database that does not exist yet.
        trials: How many.
        epochs: Of a trial that is not stopped.
    """
    ranges = {"low": 0.01, "high": 1.0}
    spec = fake_spec(
        name="bulk",
        seeds=[0],
        baselines=[],
        data={"benchmark": "digits-mini", "source": ["scan"], "targets": list(TARGETS)},
        design={
            "kind": "search",
            "trials": trials,
            "vary": {
                "lambda_adv": ranges,
                "lambda_mix": ranges,
                "T": {"low": 1, "high": 20},
                "N_b": {"low": 2, "high": 20},
                "lr": {"low": 1e-4, "high": 1e-2, "log": True},
                "attention": ["feature", "plain"],
            },
        },
        halving={"grace_epochs": epochs // 3, "keep_one_in": 3},
    )
    study = FakeStudy(database, spec)
    random = np.random.default_rng(0)
    names = [("validation", "scan", "accuracy")]
    names += [("test", domain, "accuracy") for domain in TARGETS]
    names += [("train", "scan", metric) for metric in DIAGNOSTICS]
    columns = ("split", "domain", "metric")
    with study.engine.begin() as connection:
        connection.execute(
            insert(OWN_SERIES), [dict(zip(columns, name, strict=True)) for name in names]
        )
        known = connection.execute(select(OWN_SERIES)).all()
    series = {(row.split, row.domain, row.metric): row.series_id for row in known}
    ids = [series[name] for name in names]
    for first in range(0, trials, 500):
        numbers = range(first, min(first + 500, trials))
        _insert(study, [_trial(number, epochs, random) for number in numbers], ids)


def _trial(number: int, epochs: int, random: np.random.Generator) -> dict[str, Any]:
    """One trial: its values and what it reports, by a formula with noise."""
    values = {
        "lambda_adv": float(random.uniform(0.01, 1)),
        "lambda_mix": float(random.uniform(0.01, 1)),
        "T": int(random.integers(1, 21)),
        "N_b": int(random.integers(2, 21)),
        "lr": float(10 ** random.uniform(-4, -2)),
        "attention": str(random.choice(("feature", "plain"))),
    }
    level = 0.9 - 0.1 * (values["lambda_adv"] - 0.4) ** 2 + 0.02 * (values["attention"] == "plain")
    stopped = random.random() < STOPPED
    length = epochs // 3 if stopped else epochs
    ramp = 1 - 0.5 / np.arange(1, length + 1)[:, None]
    offsets = np.array([0.0, -0.3, -0.35, -0.1])
    accuracies = np.clip(
        (level + offsets) * ramp + random.normal(0, 0.01, (length, 1 + len(TARGETS))), 0, 1
    )
    extra = random.uniform(0.1, 1, (length, len(DIAGNOSTICS)))
    return {
        "id": number + 1, "number": number, "values": values, "stopped": stopped,
        "length": length, "scores": np.hstack([accuracies, extra]), "level": level,
    }  # fmt: skip


def _insert(study: FakeStudy, made: list[dict[str, Any]], series: list[int]) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    configurations = {
        each["id"]: Configuration("mpbm", SPACES["mpbm"].resolve(each["values"]), VARIED)
        for each in made
    }
    tables: list[tuple[Any, list[dict[str, Any]]]] = [
        (TRIALS, [
            {"trial_id": t["id"], "number": t["number"], "study_id": study.study_id,
             "state": "PRUNED" if t["stopped"] else "COMPLETE", "datetime_start": now,
             "datetime_complete": now}
            for t in made
        ]),
        (VALUES, [
            value_row(t["id"], float(t["scores"][-1, 0])) for t in made if not t["stopped"]
        ]),
        (PARAMS, [
            param_row(t["id"], name, t["values"][name], DISTRIBUTIONS[name])
            for t in made for name in VARIED
        ]),
        (INTERMEDIATE_VALUES, [
            report_row(t["id"], epoch + 1, float(value))
            for t in made for epoch, value in enumerate(t["scores"][:, 0])
        ]),
        (OWN_CONFIGURATIONS, [
            {"study_id": study.study_id, "config_id": configurations[t["id"]].config_id,
             "method": "mpbm", "role": "point", "variant": "",
             "values_json": json.dumps(dict(configurations[t["id"]].values))}
            for t in made
        ]),
        (OWN_TRIALS, [
            {"trial_id": t["id"], "study_id": study.study_id, "seed": 0, "attempt": 1,
             "config_id": configurations[t["id"]].config_id,
             "stop_reason": "halved" if t["stopped"] else "finished", "epochs": t["length"],
             "selected_epoch": t["length"], "wall_s": 3.0 * t["length"], "saved_s": 2.0,
             "train_s": 2.5 * t["length"], "device": "cpu", "peak_memory_mb": 64.0,
             "rung": t["length"] if t["stopped"] else None,
             "cutoff": t["level"] if t["stopped"] else None, "stages_json": "[]"}
            for t in made
        ]),
        (OWN_SCORES, [
            {"trial_id": t["id"], "series_id": key, "epoch": epoch + 1, "value": float(value)}
            for t in made for epoch, row in enumerate(t["scores"])
            for key, value in zip(series, row, strict=True)
        ]),
    ]  # fmt: skip
    with study.engine.begin() as connection:
        for table, rows in tables:
            if rows:
                connection.execute(insert(table), rows)
