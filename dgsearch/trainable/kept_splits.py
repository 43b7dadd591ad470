"""Which images each split of a trial held, kept beside the stages for whoever wants to check."""

from __future__ import annotations

from pathlib import Path

from dgsearch.data.splits import Rows, TrialData
from dgsearch.trainable.patience import patiently
from dgsearch.trainable.tensor_files import read_tree, write_tree


def splits_file(artifacts: str | Path, fingerprint: str) -> Path:
    """Where the splits of that data are kept: `splits/<fingerprint>.safetensors`."""
    return Path(artifacts) / "splits" / f"{fingerprint}.safetensors"


def keep_splits(artifacts: str | Path, data: TrialData) -> None:
    """Write the rows of each split, once for all trials that agree on the data.

    Raises:
        ArtifactFolderError: If the folder stays full or cannot be written.
    """
    file = splits_file(artifacts, data.fingerprint)
    if not file.exists():
        parts = {
            name: {"domains": list(rows.domains), "rows": rows.rows}
            for name, rows in data.rows.items()
        }
        patiently(lambda: write_tree(file, parts, label=data.fingerprint), file.parent)


def read_splits(artifacts: str | Path, fingerprint: str) -> dict[str, Rows]:
    """The rows of each split by its name.

    Raises:
        FileNotFoundError: If no trial with that data was trained here.
        ArtifactError: If the file is damaged or holds the splits of other data.
    """
    parts = read_tree(splits_file(artifacts, fingerprint), label=fingerprint)
    return {name: Rows(tuple(part["domains"]), part["rows"]) for name, part in parts.items()}
