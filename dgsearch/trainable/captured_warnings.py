"""What Python and loggers warn of while a trial trains, so that it is told and stored.

A worker's own output goes to a log of Ray that nobody reads.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

from dgsearch.errors import shorten
from dgsearch.trainable.border import text_of

_MOST = 20  # texts of a trial
_CHARACTERS = 300
_TOLD = (UserWarning, RuntimeWarning)  # others are for those who write code
_OTHERS = ("ray", "torch", "asyncio")  # loggers that tell nothing of a trial
_BY_DRIVER = ("dgsearch.plugins",)  # said once, when the study starts


class _Kept(logging.Handler):
    """Keeps the text of each warning once."""

    def __init__(self, texts: MutableMapping[str, None]) -> None:
        super().__init__(logging.WARNING)
        self._texts = texts

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] in _OTHERS or record.name in _BY_DRIVER:
            return
        try:
            text = record.getMessage()
        except Exception as error:  # noqa: BLE001 - as Python's own handlers do
            text = f"{text_of(record.msg)} (its arguments do not fit: {type(error).__name__})"
        _keep(self._texts, text)


@contextmanager
def capture_warnings(texts: MutableMapping[str, None]) -> Iterator[None]:
    """Add what is warned of meanwhile to `texts`, each text once, in order."""
    handler, root = _Kept(texts), logging.getLogger()

    def shown(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        _keep(texts, f"{category.__name__}: {message}")

    root.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = shown  # recorded by Python, they would all be kept
            warnings.simplefilter("ignore")
            for category in _TOLD:
                warnings.simplefilter("default", category)
            yield
    finally:
        root.removeHandler(handler)


def _keep(texts: MutableMapping[str, None], text: str) -> None:
    if len(texts) < _MOST:
        texts[shorten(" ".join(text.split()), characters=_CHARACTERS)] = None
