"""Passwords of database URLs, kept out of everything that is shown.

A password stands before the `@` or in the query. One that holds a bare `@` is taken apart by a
parser, which reads its end as a part of the host; no part of it is shown then.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, unquote_plus

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_HIDDEN = "***"
_SECRET = re.compile(
    r"([?&][^=&]*?(?:pass|pwd|secret|token|credential|key)[^=&]*=)([^&]*)", re.IGNORECASE
)
_LEAST_PART = 3  # a shorter part of a password is too common a text to be replaced


def masked(url: str | URL) -> str:
    """The URL with its passwords hidden; a text that is no URL is shown up to its scheme."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return f"{str(url).partition('://')[0]}://…"
    if parsed.drivername == "sqlite" and not parsed.query:
        return f"sqlite:///{parsed.database or ''}"  # as it was given, without %-escapes
    if parsed.host is not None:
        parsed = parsed.set(host=parsed.host.rpartition("@")[2])
    return _SECRET.sub(rf"\1{_HIDDEN}", parsed.render_as_string(hide_password=True))


def hidden(text: str, url: URL) -> str:
    """A text, such as a driver's message, without any password of the URL or a part of one."""
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text


def unescaped(url: URL) -> str | None:
    """What to do about a password that holds a bare `@`; None if it holds none."""
    if url.password is None or "@" not in (url.host or ""):
        return None
    return "its password holds the character @; write it as %40 (: as %3A, / as %2F, % as %25)"


def _secrets(url: URL) -> set[str]:
    """Every password of the URL, as it is written and decoded, and the parts of one."""
    written = {value for _, value in _SECRET.findall(url.render_as_string(hide_password=False))}
    if url.password is not None:
        written |= {str(url.password), (url.host or "").rpartition("@")[0]}
    whole = {form(one) for one in written for form in (str, unquote, unquote_plus, quote)}
    parts = {part for one in whole for part in re.split(r"[@:/?#\[\]&=%]", one) if one != part}
    return {one for one in whole if one} | {one for one in parts if len(one) >= _LEAST_PART}
