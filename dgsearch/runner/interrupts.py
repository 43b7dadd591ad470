"""Ctrl-C at a moment of our choosing: between two events, never inside a transaction."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_STANDARD_ERROR = 2
_STOPPING = b"\nstopping; what was recorded is kept (Ctrl-C again stops at once)\n"


class Interrupts:
    """Keeps the first SIGINT or SIGTERM until `stop_if_asked`; a second acts at once."""

    def __init__(self) -> None:
        """Nothing is asked yet."""
        self.asked = False
        self.urgent = False  # whether it was asked twice
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        """Take over the signals; outside the main thread they are left alone."""
        self.take()
        return self

    def take(self) -> None:
        """Take over the signals, also from who has taken them since: Ray does as it starts."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous.setdefault(number, signal.signal(number, self._handle))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    def stop_if_asked(self) -> None:
        """Raise KeyboardInterrupt if a signal came."""
        if self.asked:
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            self.urgent = True
            raise KeyboardInterrupt
        self.asked = True
        os.write(_STANDARD_ERROR, _STOPPING)
