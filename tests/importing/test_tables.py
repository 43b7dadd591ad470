"""Ray Tune's folders and tables of other tools, in the form in which those tools write them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from dgsearch.database.declared import read_declared
from dgsearch.database.queries import read_curves, read_studies, read_trials
from dgsearch.errors import ImportedDataError
from dgsearch.importing.command import ImportRequest, import_lines
from dgsearch.importing.storing import distribution_of


def _imported(database: str, source: Path, *columns: str, **options: str) -> pd.DataFrame:
    list(import_lines(database, ImportRequest(source, columns=columns, **options)))
    return read_trials(database)


def _ray_experiment(folder: Path) -> Path:
    for number, (rate, reports) in enumerate(((0.1, 3), (0.9, 1))):
        place = folder / f"train_{number}"
        place.mkdir(parents=True)
        config = {"lr": rate, "model": {"width": 8}, "seed": 3}
        (place / "params.json").write_text(json.dumps(config))
        lines = [
            json.dumps(
                {
                    "loss": rate * (3 - step),
                    "training_iteration": step + 1,
                    "timestamp": 1_767_225_600 + step,
                    "time_this_iter_s": 1.0,
                    "config": config,
                }
            )
            for step in range(reports)
        ]
        (place / "result.json").write_text("\n".join([*lines, '{"loss": 0.']))
    (folder / "train_1" / "error.txt").write_text("ValueError: x")
    return folder


def test_an_experiment_of_ray_tune(database: str, tmp_path: Path) -> None:
    source = _ray_experiment(tmp_path / "exp")
    trials = _imported(database, source, metric="loss", direction="minimize")
    assert trials["state"].tolist() == ["COMPLETE", "FAIL"]
    assert trials["lr"].tolist() == [0.1, 0.9]
    assert trials["model/width"].tolist() == [8, 8]
    assert trials["seed"].tolist() == [3, 3]
    assert trials["value"].tolist()[0] == pytest.approx(0.1)
    assert trials["error"][1] == "ValueError: x"
    assert trials["started_at"][0] == pd.Timestamp("2025-12-31 23:59:59", tz="UTC")
    assert read_curves(database)["epoch"].tolist() == [1, 2, 3, 1]
    assert read_studies(database)["direction"].tolist() == ["MINIMIZE"]


def test_results_of_syne_tune(database: str, tmp_path: Path) -> None:
    file = tmp_path / "results.csv.zip"
    frame = pd.DataFrame(
        {
            "epoch": [1, 2, 1],
            "accuracy": [0.5, 0.75, 0.25],
            "trial_id": [0, 0, 1],
            "config_lr": [0.1, 0.1, 0.2],
            "config_opt": ["sgd", "sgd", "adam"],
            "st_status": ["Completed", "Completed", "Stopped"],
            "st_worker_time": [1.0, 2.0, 1.0],
        }
    )
    frame.to_csv(file, index=False)
    trials = _imported(database, file, direction="maximize")
    assert trials["value"].tolist() == [0.75, 0.25]
    assert trials["state"].tolist() == ["COMPLETE", "PRUNED"]
    assert trials["opt"].tolist() == ["sgd", "adam"]
    assert len(read_curves(database)) == 3


def test_exported_runs_of_mlflow(database: str, tmp_path: Path) -> None:
    file = tmp_path / "runs.csv"
    frame = pd.DataFrame(
        {
            "run_id": ["a", "b"],
            "status": ["FINISHED", "FAILED"],
            "start_time": ["2026-07-01 10:00:00+00:00"] * 2,
            "end_time": ["2026-07-01 10:05:00+00:00"] * 2,
            "metrics.f1": [0.5, math.nan],
            "params.depth": [3, 4],
            "params.seed": [0, 1],
            "tags.mlflow.user": ["x", "y"],
        }
    )
    frame.to_csv(file, index=False)
    trials = _imported(database, file, direction="maximize")
    assert trials["depth"].tolist() == [3, 4]
    assert trials["seed"].tolist() == [0, 1]
    assert trials["duration_s"].tolist() == [300.0, 300.0]
    assert trials["state"].tolist() == ["COMPLETE", "FAIL"]
    assert trials["attribute/tags.mlflow.user"].tolist() == ["x", "y"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_any_table_with_a_mapping_such_as_an_export_of_wandb(
    suffix: str, database: str, tmp_path: Path
) -> None:
    file = tmp_path / f"wandb.{suffix}"
    frame = pd.DataFrame(
        {
            "Name": ["swift-1", "calm-2", "late-3"],
            "State": ["finished", "crashed", "finished"],
            "lr": [1e-4, 1e-2, 1e-1],
            "use bn": [True, False, True],
            "val/acc": [0.5, math.nan, 0.75],
            "test_photo": [0.25, math.nan, 0.5],
            "run seed": [0, 1, 0],
        }
    )
    frame.to_csv(file, index=False) if suffix == "csv" else frame.to_parquet(file)
    columns = [
        "lr",
        "param.bn=use bn",
        "seed=run seed",
        "state=State",
        "accuracy.photo=test_photo",
    ]
    trials = _imported(database, file, *columns, metric="val/acc", direction="maximize")
    assert trials["bn"].tolist() == [True, False, True]
    assert trials["seed"].tolist() == [0, 1, 0]
    assert trials["accuracy/photo"].tolist()[::2] == [0.25, 0.5]
    assert trials["attribute/Name"].tolist() == ["swift-1", "calm-2", "late-3"]
    declared = read_declared(database, "wandb")
    assert declared.objectives[0].name == "val/acc"
    assert declared.distributions["lr"].log
    assert declared.distributions["bn"].choices == (True, False)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 4, 2], "IntDistribution"),
        ([0.1, 0.2, 1], "FloatDistribution"),
        (["a", None, 1], "CategoricalDistribution"),
        ([True, False], "CategoricalDistribution"),
        ([[64], [32, 32]], "CategoricalDistribution"),
    ],
)
def test_a_distribution_is_found_from_the_values(values: Sequence[object], kind: str) -> None:
    assert type(distribution_of(values)).__name__ == kind


@pytest.mark.parametrize(
    ("columns", "options", "words"),
    [
        ([], {}, "is a table whose columns have to be named; give --metric"),
        (["lr"], {"metric": "acc", "direction": "up"}, "direction 'up': is unknown; allowed: max"),
        (
            ["lr"],
            {"metric": "loss", "direction": "minimize"},
            "column 'loss': is not in the table",
        ),
        (
            ["x=lr"],
            {"metric": "acc", "direction": "maximize"},
            "'x' is unknown; allowed: trial, s",
        ),
        (
            ["lr", "state=acc"],
            {"metric": "acc", "direction": "maximize"},
            r"state 0\.5: is not understood; known: ",
        ),
        (["lr"], {"tool": "wandb"}, "tool 'wandb': is unknown; allowed: domainbed, ray-tune"),
    ],
)
def test_mistakes_name_what_is_allowed(
    columns: list[str], options: dict[str, str], words: str, database: str, tmp_path: Path
) -> None:
    file = tmp_path / "t.csv"
    pd.DataFrame({"lr": [0.1], "acc": [0.5]}).to_csv(file, index=False)
    with pytest.raises(ImportedDataError, match=words):
        _imported(database, file, *columns, **options)


def test_a_source_that_is_not_there_is_named(database: str, tmp_path: Path) -> None:
    with pytest.raises(ImportedDataError, match="there is no such file or folder"):
        _imported(database, tmp_path / "no")
    with pytest.raises(ImportedDataError, match="holds neither runs of DomainBed"):
        _imported(database, tmp_path)
