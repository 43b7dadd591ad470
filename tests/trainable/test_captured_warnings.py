"""Warnings and log lines that cannot be told as they are end no trial."""

from __future__ import annotations

import logging
import warnings

import pytest

from dgsearch.trainable.captured_warnings import capture_warnings


def test_a_log_line_whose_arguments_do_not_fit_is_told_without_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own would raise
    texts: dict[str, None] = {}
    with capture_warnings(texts):
        logging.getLogger("mine").warning("%d images of %s", "a")
    assert list(texts) == ["%d images of %s (its arguments do not fit: TypeError)"]


def test_of_many_warnings_the_first_are_kept_and_filters_are_as_before() -> None:
    texts: dict[str, None] = {}
    before = list(warnings.filters), warnings.showwarning
    with capture_warnings(texts):
        for number in range(1000):
            warnings.warn(f"w{number}", stacklevel=1)
        warnings.simplefilter("error")
    assert list(texts) == [f"UserWarning: w{number}" for number in range(20)]
    assert (list(warnings.filters), warnings.showwarning) == before
