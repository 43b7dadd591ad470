"""Symbols as papers print them: λ_adv with its subscript lowered, on the page and in figures.

Only symbols that a method of the page declares are set so, and only as whole words; a file, an
option or a column of that name keeps it. The page keeps the underscore, too small to be seen, so
that what is copied, searched for or downloaded as a table has the plain name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup, escape

from dgsearch.database.facts import StudyFacts

_LOWERED = re.compile(r"([^\W\d_]+)_(\w+)")
_AS_THEY_ARE = ("bdata", "ids")  # of a figure: numbers, and the names of marks


class Symbols:
    """Sets the symbols of some methods.

    Attributes:
        names: Symbols with a subscript, such as λ_adv.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted({name for name in names if _LOWERED.fullmatch(name)})
        found = "|".join(re.escape(name) for name in self.names)
        self._found = re.compile(rf"(?<!\w)(?:{found})(?!\w)") if self.names else None

    def markup(self, text: str) -> Markup:
        """A text as HTML, in which nothing else of it is obeyed."""
        return Markup(self._set(str(escape(text)), r'\1<sub><span class="bare">_</span>\2</sub>'))

    def figure(self, value: Any) -> Any:
        """The escaped data of a figure, with every symbol in its texts set."""
        if isinstance(value, str):
            return self._set(value, r"\1<sub>\2</sub>")
        if isinstance(value, list):
            return [self.figure(item) for item in value]
        if isinstance(value, dict):
            return {
                key: item if key in _AS_THEY_ARE else self.figure(item)
                for key, item in value.items()
            }
        return value

    def _set(self, text: str, lowered: str) -> str:
        if self._found is None or "_" not in text:
            return text
        return self._found.sub(lambda found: _LOWERED.sub(lowered, found[0]), text)


def symbols_of(facts: StudyFacts) -> frozenset[str]:
    """The symbols that the methods of a study declare for their hyperparameters."""
    spaces = facts.facts.get("spaces", {}).values()
    return frozenset(str(item.get("symbol") or "") for space in spaces for item in space)
