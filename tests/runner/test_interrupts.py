from __future__ import annotations

import signal
import time

import pytest

from dgsearch.runner.interrupts import Interrupts


def test_the_first_ctrl_c_is_kept_until_it_is_safe() -> None:
    with Interrupts() as interrupts:
        interrupts.stop_if_asked()
        signal.raise_signal(signal.SIGINT)
        time.sleep(0)
        with pytest.raises(KeyboardInterrupt):
            interrupts.stop_if_asked()


def test_a_second_one_acts_at_once() -> None:
    with Interrupts():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_the_signals_are_given_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
