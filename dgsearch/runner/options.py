"""How a study is run, and what a run leaves behind."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dgsearch.errors import ArtifactError

if TYPE_CHECKING:
    import pandas as pd


ARTIFACTS = "artifacts"


@dataclass(frozen=True)
class RunOptions:
    """Where and how a study runs; nothing here changes a result.

    Attributes:
        database: URL or path; None: `$DGSEARCH_DATABASE` or `dgsearch.db`.
        artifacts: Folder of stored stages and checkpoints; None: `$DGSEARCH_ARTIFACTS` or
            `artifacts`.
        address: Ray cluster to join; None: this machine alone.
        share: Whether trials share stages that they agree on.
        accept_other_data: Whether to go on where the data is not that of the stored trials, which
            are then set aside.
        retry_failed: Whether trials that failed before are tried once more.
        keep_stages_gb: Bound on the folder of stored stages; None: none.
    """

    database: str | None = None
    artifacts: str | None = None
    address: str | None = None
    share: bool = True
    keep_stages_gb: float | None = None
    retry_failed: bool = False
    accept_other_data: bool = False

    @property
    def artifacts_folder(self) -> Path:
        """The folder as an absolute path.

        Raises:
            ArtifactError: If symbolic links lead nowhere.
        """
        folder = Path(self.artifacts or os.environ.get("DGSEARCH_ARTIFACTS", ARTIFACTS))
        try:
            return folder.resolve()
        except (OSError, RuntimeError) as error:  # a RuntimeError for a circle, before Python 3.13
            raise ArtifactError(
                f"artifacts {folder}: symbolic links lead in a circle; name another folder with "
                "--artifacts"
            ) from error


class FailedTrial(NamedTuple):
    """A configuration and seed that failed for good, with the error of its last attempt."""

    trial: int
    config_id: str
    seed: int
    error_type: str | None
    error: str | None

    def __str__(self) -> str:
        return (
            f"trial {self.trial} (configuration {self.config_id}, seed {self.seed}): "
            f"{self.error_type}: {self.error}"
        )


@dataclass
class Outcome:
    """What a run left behind.

    Attributes:
        study: Name of the study.
        started: Trials that this run started.
        planned: Trials of the study.
        failed: Each configuration and seed that failed.
        interrupted: Whether the run was stopped before its end.
        database: Where the study is, as it was given.
    """

    study: str
    started: int = 0
    planned: int = 0
    failed: list[FailedTrial] = field(default_factory=list)
    interrupted: bool = False
    database: str | None = field(default=None, repr=False)

    def trials(self, **filters: Any) -> pd.DataFrame:
        """`dgsearch.read_trials` of the study, with its filters."""
        from dgsearch.database.queries import read_trials

        frame: pd.DataFrame = read_trials(self.database, self.study, **filters)
        return frame

    def curves(self, **filters: Any) -> pd.DataFrame:
        """`dgsearch.read_curves` of the study, with its filters."""
        from dgsearch.database.queries import read_curves

        frame: pd.DataFrame = read_curves(self.database, self.study, **filters)
        return frame

    def scores(self, **filters: Any) -> pd.DataFrame:
        """`dgsearch.read_scores` of the study, with its filters."""
        from dgsearch.database.queries import read_scores

        frame: pd.DataFrame = read_scores(self.database, self.study, **filters)
        return frame

    @property
    def exit_code(self) -> int:
        """0 when every trial ended well, 1 if some failed, 130 after Ctrl-C."""
        if self.interrupted:
            return 130
        return 1 if self.failed else 0

    def answer(self) -> dict[str, Any]:
        """What to tell a program at the end."""
        told = {name: value for name, value in asdict(self).items() if name != "database"}
        return told | {"failed": [trial._asdict() for trial in self.failed]}

    def lines(self) -> Iterator[str]:
        """What to tell the user at the end."""
        if self.interrupted:
            yield (
                f"{self.study}: stopped; what was recorded is kept. Run the same command again "
                "to resume."
            )
        elif self.started == 0 and not self.failed:
            yield f"{self.study}: nothing left to run, all {self.planned} trials have ended"
        for trial in self.failed:
            yield f"{self.study}: failed: {trial}"
        if self.failed:
            yield f"{self.study}: after fixing the cause, retry them with --retry-failed"
        if self.started and not self.interrupted:
            yield f"{self.study}: for its page: dgsearch report {shlex.quote(self.study)}"
