"""A study deleted or renamed: its rows, its checkpoints, and what is said before and after."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dgsearch.database.changing import StudyContent, StudyEditor
from dgsearch.errors import ArtifactError
from dgsearch.runner.options import RunOptions
from dgsearch.trainable.checkpoint import trial_folder
from dgsearch.trainable.store import Store
from dgsearch.wording import plural


class Deletion:
    """A study that is about to be deleted: `lines` say what goes, `carry_out` deletes it."""

    def __init__(self, options: RunOptions, study: str) -> None:
        """Look at the study.

        Raises:
            DatabaseError: If there is no such study, or another process runs trials of it.
        """
        self._editor = StudyEditor(options.database, study)
        self._editor.check_idle()
        self._artifacts = options.artifacts_folder
        self._content = self._editor.content()
        self._checkpoints = _checkpoints(self._artifacts, study)

    def lines(self) -> Iterator[str]:
        """What will be deleted, and what stays though nothing uses it any more."""
        yield f"delete study {self._editor.study!r}:"
        yield f"  trials       {_by_state(self._content)}"
        yield (
            f"  records      {plural(self._content.reports, 'report')}, "
            f"{plural(self._content.scores, 'score')}, "
            f"{plural(self._content.samples, 'sample')}"
        )
        yield (
            f"  checkpoints  {plural(len(self._checkpoints), 'folder')} in "
            f"{_place(self._artifacts, self._editor.study)}"
        )
        sizes = self._unused()
        yield (
            f"  stages       none is deleted; {plural(len(sizes), 'stored stage')}, "
            f"{sum(sizes) / 1e6:.1f} MB, will be used by no other study of this database "
            "(dgsearch stages prune)"
        )

    def answer(self) -> dict[str, Any]:
        """The same as plain data."""
        sizes = self._unused()
        return {
            "study": self._editor.study,
            "trials": self._content.trials,
            "states": dict(self._content.states),
            "checkpoints": len(self._checkpoints),
            "unused_stages": len(sizes),
            "unused_bytes": sum(sizes),
        }

    def carry_out(self) -> str:
        """Delete the rows, then the checkpoints; returns what to say.

        Raises:
            DatabaseError: If the rows cannot be deleted; all of them are there then.
            ArtifactError: If a checkpoint cannot be deleted; the rows are gone then.
        """
        self._editor.delete()
        self._editor.close()
        place = _place(self._artifacts, self._editor.study)
        try:
            if place.exists():
                shutil.rmtree(place)
        except OSError as error:
            raise ArtifactError(
                f"study {self._editor.study!r} is deleted, but its checkpoints in {place} are "
                f"not: {error.strerror}; delete that folder"
            ) from error
        return f"deleted study {self._editor.study!r}"

    def _unused(self) -> list[int]:
        """Bytes of each stored stage that only this study has used."""
        listed = Store(self._artifacts / "stages").listed()
        return [entry.bytes for entry in listed if entry.key in self._content.keys]


def rename_study(options: RunOptions, study: str, name: str) -> Iterator[str]:
    """Rename a study and the folder of its checkpoints; yields what to say.

    Raises:
        DatabaseError: If there is no such study, the name is taken, or trials are running.
    """
    editor = StudyEditor(options.database, study)
    editor.check_idle()
    editor.rename(name)
    editor.close()
    yield f"renamed study {study!r} to {name!r}; write name = {name!r} in its study file"
    before, after = (_place(options.artifacts_folder, each) for each in (study, name))
    if not before.exists():
        return
    try:
        before.rename(after)
    except OSError as error:
        yield (
            f"its checkpoints stay in {before} ({error.strerror}): interrupted trials will start "
            "from scratch"
        )


def _place(artifacts: Path, study: str) -> Path:
    """Folder of the checkpoints of a study."""
    return trial_folder(artifacts, study, 0).parent


def _checkpoints(artifacts: Path, study: str) -> list[Path]:
    place = _place(artifacts, study)
    return sorted(place.iterdir()) if place.is_dir() else []


def _by_state(content: StudyContent) -> str:
    states = ", ".join(f"{count} {state}" for state, count in content.states.items())
    return f"{content.trials} ({states})" if states else "0"
