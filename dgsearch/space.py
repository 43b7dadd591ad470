"""Float, Int and Choice: the one description of a hyperparameter, and the space they form.

The same description checks study files, builds Optuna's distributions, prints
`dgsearch methods` and labels the axes of the report, which reads it from the database.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from dgsearch.errors import MethodError, one_of

__all__ = ["Choice", "Float", "Hyperparameter", "Int", "Space", "Value", "join"]

Value = float | int | str


class _Described(BaseModel):
    """What every hyperparameter has, whatever its kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    name: str
    symbol: str = ""  # the paper's symbol, for labels; empty: the name
    meaning: str  # what it does, with its unit
    origin: Literal["paper", "code", "choice"] = "choice"  # what the default is from
    # What it decides: the result; or how fast it is computed, which may move the last digits of
    # a number; or what is stored. The latter two are switches: no part of what a study asks.
    purpose: Literal["result", "speed", "storage"] = "result"

    @property
    def set_by(self) -> str:
        """Who set the default: the paper, the code that its authors released, or this project."""
        return {"paper": "paper", "code": "released code", "choice": "dgsearch"}[self.origin]

    @property
    def label(self) -> str:
        """How the hyperparameter is written on axes and in tables."""
        return self.symbol or self.name


class _Number(_Described):
    """A number between two bounds, both allowed unless said otherwise."""

    low: float
    high: float = math.inf
    open_low: bool = False  # the lower bound itself is not allowed
    log: bool = False  # equal ratios matter, not equal differences

    @property
    def allowed(self) -> str:
        """The values allowed, as text for messages and tables."""
        bracket = "(" if self.open_low else "["
        if math.isinf(self.high):
            return f"{'>' if self.open_low else '>='} {self.low:g}"
        return f"in {bracket}{self.low:g}, {self.high:g}]"

    def _as_float(self, value: int | float) -> float:
        try:
            return float(value)
        except OverflowError as error:
            raise ValueError(f"is too large for a number; allowed: {self.allowed}") from error

    def _check_range(self, value: float) -> None:
        too_low = value <= self.low if self.open_low else value < self.low
        if too_low or value > self.high or math.isnan(value) or math.isinf(value):
            raise ValueError(f"must be {self.allowed}")


class Float(_Number):
    """A real hyperparameter."""

    kind: Literal["float"] = "float"
    default: float

    def parse(self, value: object) -> float:
        """The value as a float.

        Raises:
            ValueError: If it is no number or outside the bounds; the text says what is allowed.
        """
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"must be a number {self.allowed}")
        number = self._as_float(value)
        self._check_range(number)
        return number


class Int(_Number):
    """A whole-number hyperparameter."""

    kind: Literal["int"] = "int"
    default: int

    def parse(self, value: object) -> int:
        """The value as an int; a float without a fraction is taken too.

        Raises:
            ValueError: If it is no whole number or outside the bounds.
        """
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not whole:
            raise ValueError(f"must be a whole number {self.allowed}")
        self._check_range(self._as_float(value))  # type: ignore[arg-type]
        return int(value)  # type: ignore[call-overload, no-any-return]


class Choice(_Described):
    """A hyperparameter that takes one of a few names: a switch or a variant."""

    kind: Literal["choice"] = "choice"
    default: str
    options: tuple[str, ...]
    other: str = ""  # what else is allowed, for example "the path of a file"; empty: nothing
    accepts: Callable[[str], None] | None = Field(default=None, exclude=True, repr=False)

    @property
    def allowed(self) -> str:
        """The values allowed, as text for messages and tables."""
        return "one of " + ", ".join(self.options) + (f", or {self.other}" if self.other else "")

    def parse(self, value: object) -> str:
        """The value if it is one of the options.

        Raises:
            ValueError: If it is not; the text lists the options.
        """
        if isinstance(value, bool):
            value = "on" if value else "off"
        if isinstance(value, str) and value and self.other:
            if self.accepts is not None and value not in self.options:
                self.accepts(value)  # raises ValueError for what is no other value either
            return value
        if not isinstance(value, str) or value not in self.options:
            raise ValueError(one_of(str(value), self.options))
        return value


Hyperparameter = Annotated[Float | Int | Choice, Field(discriminator="kind")]


class Space(RootModel[tuple[Hyperparameter, ...]]):
    """The hyperparameters of a method, in the order in which they are shown."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    @cached_property
    def by_name(self) -> Mapping[str, Float | Int | Choice]:
        """The hyperparameters by name."""
        return {item.name: item for item in reversed(self.root)}  # the first of a name counts

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(item.name for item in self.root)

    def __getitem__(self, name: str) -> Float | Int | Choice:
        if name in self.by_name:
            return self.by_name[name]
        raise MethodError(f"hyperparameter {name!r} is unknown; {one_of(name, self.names)}")

    def __contains__(self, name: object) -> bool:
        return name in self.by_name

    def __iter__(self) -> Iterator[Float | Int | Choice]:  # type: ignore[override]
        return iter(self.root)

    def __len__(self) -> int:
        return len(self.root)

    def defaults(self) -> dict[str, Value]:
        """Every hyperparameter at its default."""
        return {item.name: item.default for item in self.root}

    def switches(self, but: Collection[str] = ()) -> dict[str, Value]:
        """The default of each switch of speed or storage, less those named in `but`.

        What a design varies is asked for, even where it is a switch.
        """
        return {
            item.name: item.default
            for item in self
            if item.purpose != "result" and item.name not in but
        }

    def resolve(self, values: Mapping[str, Any]) -> dict[str, Value]:
        """Every hyperparameter: the value given, checked, or the default.

        Args:
            values: Some of the hyperparameters, by name.

        Returns:
            All of them, in the order of the space.

        Raises:
            MethodError: If a name is unknown or a value not allowed.
        """
        resolved = self.defaults()
        for name, value in values.items():
            item = self[name]
            try:
                resolved[name] = item.parse(value)
            except ValueError as error:
                raise MethodError(f"{name} = {value!r}: {error}") from error
        return resolved


def join(*spaces: Space) -> Space:
    """One space with the hyperparameters of several; the first description of a name wins."""
    joined: dict[str, Float | Int | Choice] = {}
    for space in spaces:
        for item in space:
            joined.setdefault(item.name, item)
    return Space(tuple(joined.values()))
