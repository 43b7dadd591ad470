"""What Ray Tune keeps in its cluster's memory, asked for once and not five times a trial."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.tune import registry

from dgsearch.runner.replacing import replaced


@contextmanager
def remembered_registry() -> Iterator[None]:
    """Let this process remember what it found in Ray Tune's registry.

    For each trial Tune asks the cluster twice or more whether it knows the one class that is
    trained, and fetches it twice (Ray 2.60). What is registered anew is asked for anew.
    """
    known: Any = registry._global_registry
    found: dict[tuple[str, str], Any] = {}
    contains, get, register = known.contains, known.get, known.register

    def remembered_contains(category: str, key: str) -> bool:
        return (category, key) in found or contains(category, key)

    def remembered_get(category: str, key: str) -> Any:
        if (category, key) not in found:
            found[category, key] = get(category, key)
        return found[category, key]

    def registered(category: str, key: str, value: Any) -> None:
        found.pop((category, key), None)
        register(category, key, value)

    with (
        replaced(known, "contains", remembered_contains),
        replaced(known, "get", remembered_get),
        replaced(known, "register", registered),
    ):
        yield
