"""What fields of a study file are made of: values, lists that do not repeat, ranges."""

from __future__ import annotations

import math
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, Tag, model_validator


def _scalar(value: Any) -> Any:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float | str):
        return value
    raise ValueError("must be a number or a name")


def _distinct(values: Any) -> Any:
    if isinstance(values, list | tuple) and len({repr(value) for value in values}) < len(values):
        raise ValueError("values must differ; remove the repeated one")
    return values


def _interval_or_list(value: Any) -> str:
    return "<range>" if isinstance(value, dict | Range) else "<values>"


Distinct = BeforeValidator(_distinct)
Scalar = Annotated[Any, BeforeValidator(_scalar, json_schema_input_type=bool | float | str)]
Values = Annotated[tuple[Scalar, ...], Distinct, Field(min_length=1)]
Names = Annotated[tuple[str, ...], Distinct]


class Range(BaseModel, frozen=True, extra="forbid"):
    """An interval that a search or a Sobol design takes its points from."""

    low: float  # the smallest value
    high: float  # the largest value, above low
    log: bool | None = None  # None: as the hyperparameter declares

    @model_validator(mode="after")
    def _right_way_round(self) -> Self:
        if not self.low < self.high or math.isinf(self.high):
            raise ValueError(f"low = {self.low:g} must be below high = {self.high:g}; swap them")
        if self.log and self.low <= 0:
            raise ValueError(f"low = {self.low:g} must be > 0 where log = true")
        return self


Proposed = Annotated[
    Annotated[Range, Tag("<range>")] | Annotated[Values, Tag("<values>")],
    Discriminator(_interval_or_list),
]
