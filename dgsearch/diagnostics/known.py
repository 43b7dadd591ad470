"""The diagnostics of a study: those that its methods recorded, and those of this repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from dgsearch.diagnostics import augkd, common, mpbm
from dgsearch.diagnostics.declaring import Diagnostic, Expectation, FailureCheck

_OWN_EXPECTATIONS = {"mpbm": mpbm.EXPECTATIONS, "mpbm+augkd": mpbm.EXPECTATIONS}


@dataclass(frozen=True)
class KnownDiagnostics:
    """Diagnostics by name, asked by whoever shows numbers that training reported."""

    by_name: Mapping[str, Diagnostic]

    def find(self, metric: str) -> Diagnostic | None:
        """The declaration of a number; None where nobody declares it."""
        found = self.by_name.get(metric)
        return found or next((item for item in self.along() if metric.startswith(item.name)), None)

    def along(self) -> Iterator[Diagnostic]:
        """Those that are measured along something."""
        return (item for item in self.by_name.values() if item.along)

    def label(self, metric: str) -> str:
        """A number in words; its own name where nobody declares it."""
        found = self.find(metric)
        if found is None:
            return metric
        if found.along:
            return f"{found.words}, {found.along.symbol} = {metric.removeprefix(found.name)}"
        return found.words

    def checks(self) -> Iterator[tuple[str, FailureCheck]]:
        """Every known way to fail, with the name of the diagnostic that it looks at."""
        for name, item in self.by_name.items():
            yield from ((check.of or name, check) for check in item.checks)


def known_diagnostics(recorded: Mapping[str, Any]) -> KnownDiagnostics:
    """Those of a study.

    Args:
        recorded: Dumps of `Diagnostic`s by name, as the runner records them; those that cannot
            be read, of another version of dgsearch, are left out.
    """
    own = {item.name: item for item in (*mpbm.DIAGNOSTICS, *augkd.DIAGNOSTICS)}
    of_all = {item.name: item for item in common.DIAGNOSTICS}
    stored = {name: item for name, item in _read(recorded) if name not in of_all}
    return KnownDiagnostics({**own, **stored, **of_all})


def known_expectations(recorded: Mapping[str, Any], method: str) -> Sequence[Expectation]:
    """What is expected of a method's hyperparameters.

    Args:
        recorded: Lists of dumps of `Expectation`s by method, as the runner records them.
        method: Whose are wanted.
    """
    if method not in recorded:
        return _OWN_EXPECTATIONS.get(method, ())
    try:
        return [Expectation.model_validate(item) for item in recorded[method]]
    except ValidationError:
        return ()


def _read(recorded: Mapping[str, Any]) -> Iterator[tuple[str, Diagnostic]]:
    for name, content in recorded.items():
        try:
            yield name, Diagnostic.model_validate(content)
        except ValidationError:
            continue
