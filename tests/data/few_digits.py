"""Copies of digits-mini with few images, so that what tests wait for is training."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from filelock import FileLock
from safetensors.torch import save_file

from dgsearch.data.digits_mini import VERSION, DigitsMini
from dgsearch.environment import cache_folder
from dgsearch.files import atomic_write

__all__ = ["few_digits"]


@lru_cache
def few_digits(**counts: int) -> str:
    """The `data.root` under which digits-mini has so many images of each named domain.

    They are the first ones of the domain as it is drawn. A domain that is not named is whole.
    """
    root = cache_folder() / "few" / "-".join(f"{name}{count}" for name, count in counts.items())
    for name, count in counts.items():
        _keep_few(name, count, root)
        assert len(DigitsMini(root).load(name)) == count
    return str(root)


def _keep_few(name: str, count: int, root: Path) -> None:
    file = root / DigitsMini.name / f"v{VERSION}-{name}-0.safetensors"
    if file.exists():
        return
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(cache_folder() / "few" / f"{name}.lock"):  # one worker draws the whole domain
        whole = DigitsMini().load(name)
    with atomic_write(file) as part:
        save_file({"images": whole.images[:count], "labels": whole.labels[:count]}, part)
