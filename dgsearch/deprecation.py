"""How dgsearch says that something goes: since when, until when, and what takes its place."""

from __future__ import annotations

import warnings

__all__ = ["DgsearchDeprecationWarning", "deprecated"]


class DgsearchDeprecationWarning(FutureWarning):
    """Something is going; a `FutureWarning`, so that Python shows it to whoever uses it."""


def deprecated(what: str, *, since: str, removed: str, instead: str, stacklevel: int = 3) -> None:
    """Warn of something that will go.

    Args:
        what: The name, argument or value, as a user writes it.
        since: Version that began to warn, such as "0.3.0".
        removed: Version in which it will be gone; a test fails if that one still has it.
        instead: What to write in its place.
        stacklevel: Whose line is named: 3 for whoever called the function that calls this.
    """
    message = f"{what} is deprecated since dgsearch {since} and goes with {removed}; use {instead}"
    warnings.warn(message, DgsearchDeprecationWarning, stacklevel=stacklevel)
