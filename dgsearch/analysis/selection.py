"""Which numbers of a study count: finished trials, target domains, the mean over targets.

Frames are those of `dgsearch.read_trials`. Configurations are chosen by `value`, which is
measured on the selection split; accuracies on targets are only reported.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dgsearch.database.identity import SUPERSEDED

__all__ = [
    "MEAN",
    "accuracy_columns",
    "equal_length",
    "finished",
    "finished_with_mean",
    "hyperparameter_column",
    "long_accuracies",
    "repeated",
    "superseded",
    "with_target_mean",
]

MEAN = "mean of targets"


def finished(trials: pd.DataFrame, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The trials that ran to their last epoch, the only ones whose numbers are compared.

    Of several attempts at one configuration and seed the last one counts. Trials of another
    identity (role "superseded") do not.

    Args:
        trials: Of one study or several.
        columns: Those that are wanted; None: all of them, which takes longer.
    """
    done = (trials["state"] == "COMPLETE").to_numpy(dtype=bool, na_value=False)
    if "role" in trials:
        done = done & ~superseded(trials).to_numpy(dtype=bool)
    places = np.flatnonzero(done)
    if trials["config_id"].iloc[places].notna().any():
        attempts = trials[["study", "config_id", "seed"]].iloc[places]
        places = places[~attempts.duplicated(keep="last").to_numpy()]
    return (trials if columns is None else trials[list(columns)]).iloc[places]


def finished_with_mean(
    trials: pd.DataFrame, targets: Sequence[str], columns: Sequence[str]
) -> pd.DataFrame:
    """These columns of the finished trials, with accuracies on the targets and their mean.

    Args:
        trials: As for `finished`.
        targets: As for `with_target_mean`.
        columns: What is wanted besides.
    """
    accuracies = [f"accuracy/{name}" for name in targets]
    wanted = list(dict.fromkeys([*columns, *accuracies]))
    return with_target_mean(finished(trials, wanted), targets)


def superseded(trials: pd.DataFrame) -> pd.Series[bool]:
    """Which trials are of another identity: of other data, defaults or versions of a method.

    Args:
        trials: With the column `role`.
    """
    return trials["role"].fillna("") == SUPERSEDED


def repeated(trials: pd.DataFrame) -> pd.Series[bool]:
    """Which trials have a later attempt at their configuration and seed, the one that counts.

    Args:
        trials: Of one study, in the order of their numbers.
    """
    later = trials.duplicated(["config_id", "seed"], keep="last")
    return later & trials["config_id"].notna()


def equal_length(trials: pd.DataFrame) -> pd.DataFrame:
    """Of the finished trials those of the most frequent number of epochs."""
    done = finished(trials)
    if done["epochs"].isna().all():
        return done
    most_frequent = int(done["epochs"].mode().iloc[0])
    chosen: pd.DataFrame = done[done["epochs"] == most_frequent]
    return chosen


def accuracy_columns(trials: pd.DataFrame) -> dict[str, str]:
    """Column of the accuracy on each domain, by domain."""
    prefix = "accuracy/"
    names = [str(name) for name in trials.columns]
    return {name.removeprefix(prefix): name for name in names if name.startswith(prefix)}


def hyperparameter_column(trials: pd.DataFrame, name: str) -> str:
    """Column of a hyperparameter: `param_<name>` where the frame has its own column `name`."""
    beside = f"param_{name}"
    return beside if beside in trials.columns else name


def with_target_mean(trials: pd.DataFrame, targets: Sequence[str]) -> pd.DataFrame:
    """The trials with one more column, `accuracy/mean of targets`.

    Args:
        trials: With an `accuracy/<domain>` column for each target.
        targets: Names of the target domains.
    """
    columns = [f"accuracy/{name}" for name in targets]
    return trials.assign(**{f"accuracy/{MEAN}": trials[columns].mean(axis=1, skipna=False)})


def long_accuracies(
    trials: pd.DataFrame, domains: Sequence[str], *, keep: Sequence[str]
) -> pd.DataFrame:
    """One row a trial and domain: the columns of `keep`, domain, accuracy."""
    columns = {f"accuracy/{name}": name for name in domains}
    return trials.melt(
        id_vars=list(keep), value_vars=list(columns), var_name="domain", value_name="accuracy"
    ).assign(domain=lambda frame: frame["domain"].map(columns))
