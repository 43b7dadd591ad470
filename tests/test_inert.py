"""Text of others is shown and never obeyed."""

from __future__ import annotations

import logging
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgsearch.inert import InertFormatter, csv_cell, latex, line, markdown, text

HOSTILE = "\x1b]0;owned\x07 [red]x[/red]\r\u202eevil\x9b2J"


def test_escape_sequences_and_carriage_returns_are_spelled_out() -> None:
    shown = r"\x1b]0;owned\x07 [red]x[/red]\r\u202eevil\x9b2J"
    assert text(HOSTILE) == line(HOSTILE) == shown
    assert text("a\n\tb") == "a\n\tb"
    assert line("a\n\tb") == r"a\n\tb"
    assert line("λ_adv 图 é") == "λ_adv 图 é"


@given(st.text(st.characters()))
def test_no_control_character_is_left_in_a_line(value: str) -> None:
    assert {unicodedata.category(letter) for letter in line(value)}.isdisjoint({"Cc", "Cf", "Cs"})


@pytest.mark.parametrize(
    "value",
    ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "-1+cmd|' /C'"],
)
def test_a_cell_that_a_spreadsheet_would_execute_is_guarded(value: str) -> None:
    assert csv_cell(value) == f"'{value}"


@pytest.mark.parametrize("value", ["-1.5", "+3", "-1e-3", "-inf", "a=1", "", "x-1", "[1]"])
def test_numbers_and_plain_text_are_not_guarded(value: str) -> None:
    assert csv_cell(value) == value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("[a](javascript:x)", r"\[a\](javascript:x)"),
        ("![a](http://x/y.png)", r"!\[a\](http\://x/y.png)"),
        ("see https://x.org, www.x.org", r"see https\://x.org, www\.x.org"),
        ("<script> &#91;", "&lt;script> &amp;#91;"),
        (r"$\href{x}{y}$", r"\$\\href{x}{y}\$"),
        ("a|b `c` *d* ~e~", r"a\|b \`c\` \*d\* \~e\~"),
        ("lambda_adv _x_ __y__", r"lambda_adv \_x\_ \_\_y\_\_"),
        ("a\nb\x1b & c", r"a b\\x1b & c"),
    ],
)
def test_markdown_has_no_markup_and_no_link(value: str, shown: str) -> None:
    assert markdown(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("[9cm] x", "{[}9cm{]} x"),  # after \\ it would be the height of the row
        ("* y", "{*} y"),
        ("a\n\nb % c ^^5c", r"a b \% c \textasciicircum{}\textasciicircum{}5c"),
    ],
)
def test_latex_obeys_nothing(value: str, shown: str) -> None:
    assert latex(value) == shown


def test_a_log_record_is_shown_and_not_obeyed() -> None:
    record = logging.LogRecord("x", logging.WARNING, "", 0, "study %s", ("\x1b[2J",), None)
    assert InertFormatter().format(record) == r"study \x1b[2J"
