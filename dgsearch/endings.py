"""Why a trial ended: the one place that lists the reasons and says what each means."""

from __future__ import annotations

from enum import StrEnum


class StopReason(StrEnum):
    """Values of `stop_reason`, as they stand in the database, the frames and the views."""

    FINISHED = "finished", "trained to its last epoch"
    HALVED = "halved", "stopped by halving"
    FAILED = "failed", "ended with an error"
    INTERRUPTED = "interrupted", "stopped from outside; it is tried again"
    TIMED_OUT = "timed out", "ended after a time limit of [resources]"

    meaning: str

    def __new__(cls, value: str, meaning: str) -> StopReason:
        """A reason with its meaning in a few words."""
        reason = str.__new__(cls, value)
        reason._value_ = value
        reason.meaning = meaning
        return reason

    @classmethod
    def listed(cls) -> str:
        """All of them in a sentence."""
        *others, last = (str(reason) for reason in cls)
        return f"{', '.join(others)} or {last}"

    @property
    def is_open(self) -> bool:
        """Whether a trial that ended so is still to be run."""
        return self is StopReason.INTERRUPTED

    @property
    def is_fault(self) -> bool:
        """Whether a trial that ended so has no result, and is tried again only when asked."""
        return self in {StopReason.FAILED, StopReason.TIMED_OUT}
