"""Something of Ray's is another thing for a while: what Ray offers no setting for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Let an attribute of a module, a class or an object have another value inside.

    Args:
        owner: Whose attribute it is.
        name: Of the attribute, which it has or inherits.
        value: What it is inside.
    """
    original, is_own = getattr(owner, name), name in vars(owner)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if is_own:
            setattr(owner, name, original)
        else:
            delattr(owner, name)
