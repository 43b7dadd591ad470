"""DomainBed's sweeps: a folder of runs, each with `results.jsonl`, and its tables of results.

One study per data set. A trial is one run: `seed` is DomainBed's trial_seed; algorithm,
hyperparameters, hparams_seed and the environments left out are its configuration. The splits are
named as they are used: "in" of a left-out environment is the test split, "out" of it
`heldout_accuracy`; "in" of the others is the train split and "out" the validation split.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from dgsearch.errors import ImportedDataError, one_of
from dgsearch.importing.sweep import Score, Sweep, SweepTrial

DOMAINBED_RULES = ("training-domain", "leave-one-out", "oracle-last")
_ENVIRONMENTS: Mapping[str, tuple[str, ...]] = {
    "ColoredMNIST": ("+90%", "+80%", "-90%"),
    "RotatedMNIST": ("0", "15", "30", "45", "60", "75"),
    "VLCS": ("C", "L", "S", "V"),
    "PACS": ("A", "C", "P", "S"),
    "OfficeHome": ("A", "C", "P", "R"),
    "TerraIncognita": ("L100", "L38", "L43", "L46"),
    "DomainNet": ("clip", "info", "paint", "quick", "real", "sketch"),
}
_HELD_OUT = "heldout_accuracy"


def read_domainbed(folder: Path, *, name: str | None = None) -> list[Sweep]:
    """The studies of a sweep's folder, one per data set.

    Args:
        folder: With a folder per run.
        name: Of the study; with several data sets its beginning. None: `domainbed-<data set>`.

    Raises:
        ImportedDataError: If no run has results, or a line of them cannot be read.
    """
    trials: dict[str, list[SweepTrial]] = {}
    for file in sorted(folder.glob("*/results.jsonl")):
        records = _records(file)
        if records:
            dataset = records[0]["args"]["dataset"]
            trials.setdefault(dataset, []).append(_trial(file.parent, records))
    if not trials:
        raise ImportedDataError(f"{folder}: no folder in it has a results.jsonl with results")
    names = {key: f"{name or 'domainbed'}-{key}" for key in trials}
    if name is not None and len(trials) == 1:
        names = dict.fromkeys(trials, name)
    return [
        Sweep(names[key], "training-domain validation accuracy", True, found)
        for key, found in sorted(trials.items())
    ]


def domainbed_table(trials: pd.DataFrame, scores: pd.DataFrame, *, rule: str) -> pd.DataFrame:
    """The means that DomainBed's `collect_results` prints, by its own selection rules.

    Args:
        trials: `read_trials` of an imported study.
        scores: `read_scores` of it.
        rule: "training-domain" (highest validation accuracy, over steps too), "leave-one-out",
            or "oracle-last" (highest held-out accuracy of the target at the last step; the
            oracle of dgsearch takes the best step instead).

    Returns:
        One row per algorithm and left-out environment: algorithm, domain, n (seeds), mean,
        standard_error (0..1). As in DomainBed the error divides by n, not n - 1.

    Raises:
        ImportedDataError: If there is no such rule.
    """
    if rule not in DOMAINBED_RULES:
        raise ImportedDataError(f"rule {rule!r}: is unknown; {one_of(rule, DOMAINBED_RULES)}")
    runs: dict[tuple[str, int], list[_Run]] = {}
    measured = _measured(scores)
    for row in trials.sort_values("hparams_seed", kind="stable").to_dict("records"):
        run = _Run(str(row["test_envs"]), int(row["hparams_seed"]), measured[row["trial_number"]])
        runs.setdefault((str(row["method"]), int(row["seed"])), []).append(run)
    picks = dict(
        zip(DOMAINBED_RULES, (_training_domain, _leave_one_out, _oracle_last), strict=True)
    )
    rows = [
        (method, target, chosen)
        for (method, _), found in sorted(runs.items(), key=lambda item: item[0])
        for target in sorted({run.left_out for run in found if "," not in run.left_out})
        if (chosen := picks[rule](found, target)) is not None
    ]
    frame = pd.DataFrame(rows, columns=["algorithm", "domain", "accuracy"])
    grouped = frame.groupby(["algorithm", "domain"], sort=True)["accuracy"]
    table = grouped.agg(n="count", mean="mean", standard_error=lambda part: part.std(ddof=0))
    table["standard_error"] /= np.sqrt(table["n"])
    return table.reset_index()


_Step = dict[tuple[str, str, str], float]  # by split, domain and metric


class _Run(NamedTuple):
    """Environments left out (with commas), seed of the hyperparameters, scores by step."""

    left_out: str
    hparams_seed: int
    steps: dict[int, _Step]


def _measured(scores: pd.DataFrame) -> dict[int, dict[int, _Step]]:
    """The scores by trial and step."""
    found: dict[int, dict[int, _Step]] = {}
    columns = ["trial_number", "epoch", "split", "domain", "metric", "value"]
    for number, step, split, domain, metric, value in scores[columns].to_numpy(dtype=object):
        found.setdefault(number, {}).setdefault(step, {})[split, domain, metric] = value
    return found


def _training_domain(runs: Sequence[_Run], target: str) -> float | None:
    """Test accuracy where the mean over the other environments' validation is highest."""
    found = [
        (float(np.mean([value for key, value in step.items() if key[0] == "validation"])), step)
        for run in runs
        if run.left_out == target
        for step in run.steps.values()
    ]
    return _best(found, target)


def _oracle_last(runs: Sequence[_Run], target: str) -> float | None:
    """Test accuracy at the last step of the run whose held-out accuracy is highest there."""
    last = [run.steps[max(run.steps)] for run in runs if run.left_out == target]
    return _best([(step["test", target, _HELD_OUT], step) for step in last], target)


def _leave_one_out(runs: Sequence[_Run], target: str) -> float | None:
    """Test accuracy of the hyperparameters and step that do best on each environment left out."""
    by_place = {(run.hparams_seed, run.left_out): run for run in runs}
    found = []
    for run in runs:
        if run.left_out != target:
            continue
        first = next(iter(run.steps.values()))
        others = [domain for split, domain, _ in first if split == "validation"]
        pairs = {
            domain: by_place.get((run.hparams_seed, ",".join(sorted((domain, target)))))
            for domain in others
        }
        for number, step in run.steps.items():
            values = [
                pair.steps[number]["test", domain, "accuracy"]
                for domain, pair in pairs.items()
                if pair is not None and number in pair.steps
            ]
            if len(values) == len(others):
                found.append((float(np.mean(values)), step))
    return _best(found, target)


def _best(found: Sequence[tuple[float, _Step]], target: str) -> float | None:
    """Test accuracy of the step with the highest criterion, of equal ones the first."""
    if not found:
        return None
    return float(max(found, key=lambda pair: pair[0])[1]["test", target, "accuracy"])


def _records(file: Path) -> list[dict[str, Any]]:
    records = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            records.append(json.loads(line))
        except ValueError as error:
            raise ImportedDataError(f"{file}: line {number} is no JSON ({error})") from error
    return records


def _trial(folder: Path, records: Sequence[dict[str, Any]]) -> SweepTrial:
    arguments = records[0]["args"]
    left_out = set(arguments["test_envs"])
    domains = _domains(arguments["dataset"], records[0])
    means = {int(record["step"]): _validation(record, left_out) for record in records}
    best = max(means, key=lambda step: means[step])
    done = (folder / "done").exists()
    targets = ",".join(sorted(domains[index] for index in left_out))
    identity = {"hparams_seed": arguments["hparams_seed"], "test_envs": targets}
    return SweepTrial(
        parameters={**records[0]["hparams"], **identity},
        value=means[best] if done else None,
        state="COMPLETE" if done else "FAIL",
        reports=means,
        scores=[score for record in records for score in _scores(record, left_out, domains)],
        selected_step=best,
        seed=int(arguments["trial_seed"]),
        method=str(arguments["algorithm"]),
        attributes={"output_dir": folder.name, "steps": arguments.get("steps")},
        error=None if done else "the run has no file `done`",
    )


def _domains(dataset: str, record: Mapping[str, Any]) -> list[str]:
    """Name of each environment, `env<i>` where the data set is not one of DomainBed's."""
    count = sum(key.startswith("env") and key.endswith("_out_acc") for key in record)
    names = _ENVIRONMENTS.get(dataset, ())
    return list(names) if len(names) == count else [f"env{index}" for index in range(count)]


def _validation(record: Mapping[str, Any], left_out: set[int]) -> float:
    """Mean of the "out" splits of the environments that were trained on."""
    found = []
    index = 0
    while f"env{index}_out_acc" in record:
        if index not in left_out:
            found.append(record[f"env{index}_out_acc"])
        index += 1
    return float(np.mean(found)) if found else math.nan


def _scores(record: Mapping[str, Any], left_out: set[int], domains: Sequence[str]) -> list[Score]:
    step = int(record["step"])
    scores = []
    for index, domain in enumerate(domains):
        inside, outside = record[f"env{index}_in_acc"], record[f"env{index}_out_acc"]
        if index in left_out:
            scores.append(Score(step, "test", domain, "accuracy", inside))
            scores.append(Score(step, "test", domain, _HELD_OUT, outside))
        else:
            scores.append(Score(step, "train", domain, "accuracy", inside))
            scores.append(Score(step, "validation", domain, "accuracy", outside))
    if "loss" in record:
        scores.append(Score(step, "train", "all", "loss", record["loss"]))
    return scores
