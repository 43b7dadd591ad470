"""The columns of every frame: one table, from which the frames are built and checked.

Accuracies are 0..1, times UTC, durations seconds. A column that a database has no place for,
because Optuna alone wrote it, holds missing values. `describe_frames()` gives the table as a
frame, for a notebook.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from dgsearch.database.tables import STATES
from dgsearch.endings import StopReason

ACCURACY = "accuracy/"
ATTRIBUTE = "attribute/"
METRIC = "metric/"
VALUE = "value/"
TIME = "datetime64[us, UTC]"
STATE = pd.CategoricalDtype(list(STATES), ordered=True)
_BY_VALUES = "float64, Int64, boolean or string; object where values differ in kind"


@dataclass(frozen=True)
class Column:
    """A column, or with `<...>` in its name a family of columns.

    Attributes:
        name: Its name.
        dtype: Its pandas dtype; of a family those that are possible.
        meaning: What it holds.
        unit: Unit of its numbers; empty for names and counts.
    """

    name: str
    dtype: str
    meaning: str
    unit: str = ""

    @property
    def is_family(self) -> bool:
        """Whether it stands for as many columns as the database has names."""
        return "<" in self.name


@dataclass(frozen=True)
class Frame:
    """What a reading function returns.

    Attributes:
        row: What one row is.
        order: Columns by which the rows are sorted; studies in order of creation.
        columns: The columns, in order.
    """

    row: str
    order: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def dtypes(self) -> dict[str, str]:
        """Dtype of each column that is always there."""
        return {item.name: item.dtype for item in self.columns if not item.is_family}


_STUDY = Column("study", "string", "name of the study")
_NUMBER = Column("trial_number", "int64", "number of the trial in its study, from 0")
_EPOCH = Column("epoch", "int64", "epochs done, from 1; Optuna's step for other studies")

FRAMES: Mapping[str, Frame] = {
    "studies": Frame(
        "a study",
        ("study",),
        (
            _STUDY,
            Column("method", "string", "the method studied"),
            Column("direction", "string", "MAXIMIZE, MINIMIZE or NOT_SET, of the value"),
            Column("warm_start", "string", "study whose trials inform the sampler of a search"),
            Column("trials", "int64", "how many trials"),
            *(Column(name.lower(), "int64", f"how many are {name}") for name in STATES),
            Column("started_at", TIME, "start of the first trial", "UTC"),
            Column("finished_at", TIME, "end of the last trial that ended", "UTC"),
        ),
    ),
    "trials": Frame(
        "a trial",
        ("study", "trial_number"),
        (
            _STUDY,
            _NUMBER,
            Column("state", "category", f"Optuna's state, ordered: {' < '.join(STATES)}"),
            Column("stop_reason", "string", StopReason.listed()),
            Column("seed", "Int64", "the repetition"),
            Column("config_id", "string", "the configuration: method and hyperparameters"),
            Column("method", "string", "the method trained"),
            Column("role", "string", "point, baseline or variant"),
            Column("variant", "string", "variant of an ablation, method of a family; else empty"),
            Column(
                "proposed_by",
                "string",
                "of a proposal of a search: sampler, or enqueue for a known point",
            ),
            Column("<hyperparameter>", _BY_VALUES, "its value; missing where it has none"),
            Column(
                "value",
                "float64",
                "metric that selects (accuracy) on the selection split; what Optuna stored, of "
                "the first objective; by augmented validation comparable within a method",
                "0..1",
            ),
            Column(
                "value/<objective>",
                "float64",
                "values of a study of several objectives, by metric name or place from 0",
            ),
            Column("epochs", "Int64", "epochs of the last stage that were reported"),
            Column("started_at", TIME, "when a worker took it on", "UTC"),
            Column("finished_at", TIME, "when it ended", "UTC"),
            Column("duration_s", "float64", "from started_at to finished_at", "s"),
            Column("wall_s", "float64", "time the trial worked, without waiting", "s"),
            Column("device", "string", "where it was trained"),
            Column("peak_memory_mb", "float64", "largest memory on the device", "MB"),
            Column("error", "string", "message and last lines of the traceback"),
            Column("error_type", "string", "name of the exception"),
            Column("selected_epoch", "Int64", "epoch whose scores count"),
            Column("train_s", "float64", "time spent in training", "s"),
            Column("evaluation_s", "float64", "time spent in evaluation", "s"),
            Column("saved_s", "float64", "time saved by stored stages", "s"),
            Column("host", "string", "machine that trained it"),
            Column("attempt", "Int64", "attempt at this configuration and seed, from 1"),
            Column("continues", "Int64", "trial_number of the trial that it resumes"),
            Column("rung", "Int64", "epoch at which halving stopped it"),
            Column("cutoff", "float64", "value that it had to reach there", "0..1"),
            Column("warnings", "string", "what the trial warned of, one a line"),
            Column(
                "accuracy/<domain>",
                "float64",
                "accuracy on the domain at the selected epoch: test split where there is one",
                "0..1",
            ),
            Column(
                "metric/<metric>/<domain>",
                "float64",
                "a further metric of [metrics] on the domain, likewise; its direction is its own",
            ),
            Column("attribute/<key>", _BY_VALUES, "user attribute that dgsearch did not write"),
        ),
    ),
    "curves": Frame(
        "an epoch of a trial",
        ("study", "trial_number", "epoch"),
        (
            _STUDY,
            _NUMBER,
            _EPOCH,
            Column(
                "value", "float64", "accuracy on the selection split; what was reported", "0..1"
            ),
        ),
    ),
    "predictions": Frame(
        "an image of a split that a trial was judged by",
        ("study", "trial_number", "split", "domain", "image"),
        (
            _STUDY,
            _NUMBER,
            Column("epoch", "int64", "the epoch that counts"),
            Column("split", "category", "validation or test"),
            Column("domain", "category", "domain of the images"),
            Column("image", "int64", "place of the image in the split, from 0"),
            Column("correct", "bool", "whether it was classified correctly"),
        ),
    ),
    "scores": Frame(
        "a number that a trial measured",
        ("study", "trial_number", "epoch"),
        (
            _STUDY,
            _NUMBER,
            _EPOCH,
            Column(
                "split",
                "category",
                "train, validation, augmented or test; under averaging, validation and test of "
                "the weights that are not averaged end in (last weights)",
            ),
            Column(
                "domain",
                "category",
                "domain, or part of the method that was measured; of augmented the family",
            ),
            Column("metric", "category", "accuracy, a loss or a diagnostic"),
            Column("value", "float64", "the number; accuracies 0..1"),
        ),
    ),
}

_TAKEN = {*FRAMES["trials"].dtypes}


def beside_own(name: str) -> str:
    """Column of a hyperparameter: its name, with `param_` where the frame has that column.

    A hyperparameter that is itself called `param_epochs` becomes `param_param_epochs`, so that
    two hyperparameters never share a column.
    """
    bare = name
    while bare.startswith("param_"):
        bare = bare.removeprefix("param_")
    return f"param_{name}" if _is_own(bare) else name


def hyperparameter_columns(columns: Iterable[str]) -> list[str]:
    """Those columns of a trials frame that are hyperparameters."""
    return [name for name in columns if not _is_own(name)]


def _is_own(name: str) -> bool:
    return name in _TAKEN or name.startswith((ACCURACY, ATTRIBUTE, METRIC, VALUE))


def describe_frames() -> pd.DataFrame:
    """The columns of all frames.

    Returns:
        One row a column: frame, column, dtype, unit, sorted (place in the sort order, from 1;
        missing if not sorted by), meaning. A name such as `accuracy/<domain>` stands for one
        column a domain.
    """
    rows = [
        {
            "frame": name,
            "column": item.name,
            "dtype": item.dtype,
            "unit": item.unit,
            "sorted": 1 + frame.order.index(item.name) if item.name in frame.order else None,
            "meaning": item.meaning,
        }
        for name, frame in FRAMES.items()
        for item in frame.columns
    ]
    return pd.DataFrame(rows).astype({"sorted": "Int64"})
