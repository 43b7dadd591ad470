"""The parts of a study file, each a frozen model that checks its own values.

What needs knowledge of methods and benchmarks (names, ranges, domains) is checked in
`dgsearch.study.checks`; what needs the file (syntax, places) in `dgsearch.study.loading`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    NonNegativeInt,
    PlainValidator,
    PositiveFloat,
    PositiveInt,
    Tag,
    model_validator,
)

from dgsearch.study.metrics import ACCURACY, MetricsSpec, find_metric
from dgsearch.study.teacher import TeacherSpec

__all__ = [
    "FULL",
    "Ablation",
    "AdaptiveSeeds",
    "DataSpec",
    "Design",
    "Family",
    "Grid",
    "Halving",
    "OneAtATime",
    "Proposed",
    "Range",
    "Resources",
    "Retries",
    "Search",
    "Sobol",
    "StudySpec",
]


FULL = "full"  # the variant of an ablation that nothing was changed in


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


def _gpus(value: Any) -> float | str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value == "auto" or (number and 0 <= value < math.inf):
        return value if value == "auto" else float(value)
    raise ValueError('must be a number >= 0 or "auto"')


def _whole_devices(value: float | str) -> float | str:
    if isinstance(value, float) and value > 1 and value != int(value):
        low, high = math.floor(value), math.ceil(value)
        raise ValueError(
            "a trial takes a share of one device (at most 1) or whole devices; "
            f"write {low} or {high}"
        )
    return value


def _interval_or_list(value: Any) -> str:
    return "<range>" if isinstance(value, dict | Range) else "<values>"


Scalar = Annotated[Any, BeforeValidator(_scalar)]
Values = Annotated[tuple[Scalar, ...], BeforeValidator(_distinct), Field(min_length=1)]
Names = Annotated[tuple[str, ...], BeforeValidator(_distinct)]


class DataSpec(BaseModel, frozen=True, extra="forbid"):
    """Which data is trained and tested on."""

    benchmark: str
    source: Names = ()  # training domains, the teacher's for augkd; none where a teacher is given
    targets: Annotated[Names, Field(min_length=1)]  # test domains; the student's for augkd
    validation: float = Field(0.2, gt=0, lt=1)  # share of the source held out for selection
    student_images: PositiveInt = 100  # labelled target images that a student trains on
    student_validation: PositiveInt = 100  # target images by which a student is selected
    redraw: bool = False  # each seed draws its own copy of the benchmark, where it is drawn
    root: str | None = None  # folder of the data; None: the benchmark's default
    image_size: int | None = Field(None, ge=8, le=1024)  # pixels a side; None: the benchmark's
    download: bool = Field(False, exclude=True)  # fetch missing files; nothing of a result


class Range(BaseModel, frozen=True, extra="forbid"):
    """An interval that a search or a Sobol design takes its points from."""

    low: float
    high: float
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


class OneAtATime(BaseModel, frozen=True, extra="forbid"):
    """Each hyperparameter over its values while the others stay at their centre."""

    kind: Literal["one-at-a-time"]
    vary: Annotated[dict[str, Values], Field(min_length=1)]


class Grid(BaseModel, frozen=True, extra="forbid"):
    """Every combination of the values."""

    kind: Literal["grid"]
    vary: Annotated[dict[str, Values], Field(min_length=1)]


class Search(BaseModel, frozen=True, extra="forbid"):
    """Configurations proposed one after another from what was seen before.

    Every proposal is trained at the first seed; the best of them, by the value on the
    selection split, are trained at the remaining seeds too.
    """

    kind: Literal["search"]
    vary: Annotated[dict[str, Proposed], Field(min_length=1)]
    trials: PositiveInt  # configurations proposed
    sampler: Literal["tpe", "random"] = "tpe"
    confirm: NonNegativeInt = 3  # how many of the best are repeated at the other seeds


def _power_of_two(value: int) -> int:
    if value & (value - 1):
        lower = 1 << (value.bit_length() - 1)
        raise ValueError(f"must be a power of two; use {lower} or {2 * lower}")
    return value


class Sobol(BaseModel, frozen=True, extra="forbid"):
    """Points that tell which share of the variance each hyperparameter causes (Saltelli 2010).

    Each of `samples` base points is joined by one point a hyperparameter and one more, so that
    a study of D hyperparameters trains samples * (D + 2) configurations and the centre.
    """

    kind: Literal["sobol"]
    vary: Annotated[dict[str, Range], Field(min_length=2)]
    samples: Annotated[int, Field(ge=2), AfterValidator(_power_of_two)]


class Ablation(BaseModel, frozen=True, extra="forbid"):
    """The full method and variants of it, each at the same seeds.

    A variant replaces hyperparameters of the full method; with `method` it is another method,
    which takes over what it knows of the fixed hyperparameters.
    """

    kind: Literal["ablation"]
    variants: Annotated[dict[str, dict[str, Scalar]], Field(min_length=1)]

    @property
    def vary(self) -> dict[str, Any]:
        """Nothing: an ablation replaces, it does not vary over a range."""
        return {}


class AdaptiveSeeds(BaseModel, frozen=True, extra="forbid"):
    """Points at the study's seeds, and at further ones while the comparison of each is open.

    A point is decided when the interval of its paired difference to the baseline leaves 0 out
    or lies within the margin; `dgsearch.decisions` says how the interval allows for looking
    again after each seed. Further seeds are the numbers after the largest of the study's.
    """

    kind: Literal["adaptive-seeds"]
    vary: Annotated[dict[str, Values], Field(min_length=1)]
    combine: Literal["one-at-a-time", "grid"] = "one-at-a-time"  # how the points are made
    against: Literal["centre", "baseline"] = "centre"  # compared with; the first of `baselines`
    max_seeds: PositiveInt = 12  # the cap: seeds of a point that stays open
    margin: float = Field(0.01, gt=0, lt=1)  # accuracy, 0..1; a smaller difference counts as none
    confidence: float = Field(0.95, gt=0, lt=1)  # that no decision of the study is wrong


class Family(BaseModel, frozen=True, extra="forbid"):
    """Several methods, each at as many configurations as every other: an equal tuning budget.

    The study's own method is one of them, and what the others are compared with. Each method
    is trained at its centre first, then at points of a Sobol sequence over the shared ranges
    and its own, all of them at every seed.
    """

    kind: Literal["family"]
    configurations: PositiveInt  # of each method, its centre included
    methods: Annotated[dict[str, dict[str, Proposed]], Field(min_length=1)]  # with own ranges
    vary: dict[str, Proposed] = Field(default_factory=dict)  # ranges that all methods share

    def ranges(self, method: str) -> dict[str, Range | tuple[Any, ...]]:
        """What a method is drawn from: the shared ranges, then its own."""
        return {**self.vary, **self.methods.get(method, {})}


Design = Annotated[
    OneAtATime | Grid | Ablation | Sobol | Search | AdaptiveSeeds | Family,
    Field(discriminator="kind"),
]


class Halving(BaseModel, frozen=True, extra="forbid"):
    """When ASHA may stop a trial, by Ray's stopping rule; R is the hyperparameter `epochs`.

    A trial that reaches a rung goes on if its value is in the best 1/eta of those that have
    reached the rung until then. It never waits for others, so more than 1/eta pass: with eta = 3
    about 40% of 27 trials pass the first rung. Alg. 2 of Li et al. (2020) promotes instead.
    """

    grace_epochs: PositiveInt = 3  # r: no trial is stopped before this epoch
    keep_one_in: int = Field(3, ge=2)  # eta: a trial must be in the best 1/eta seen at its rung
    allow_truncated: bool = False  # accept shortened trials in a design that compares full ones


class Resources(BaseModel, frozen=True, extra="forbid"):
    """What one trial may use."""

    cpus: PositiveFloat = 1.0  # cores, and torch threads, of a trial
    # a share of one device, or whole devices; "auto": a share by memory
    gpus: Annotated[float | str, PlainValidator(_gpus), AfterValidator(_whole_devices)] = "auto"
    concurrent: PositiveInt | None = None  # trials at a time; None: as many as fit


class Retries(BaseModel, frozen=True, extra="forbid"):
    """How often a trial is tried again when something else than itself has ended it."""

    out_of_memory: NonNegativeInt = 1  # then alone on its device
    lost_worker: NonNegativeInt = 2  # the process of the trial, or its machine, died
    interrupted: NonNegativeInt = 20  # the driver died, or Ctrl-C


Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]  # what every database can hold


class StudySpec(BaseModel, frozen=True, extra="forbid"):
    """A study: what is asked, on which data, with which points and seeds."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    question: str = ""  # printed at the head of the report
    method: str
    baselines: Names = ()  # other methods, run beside it at the same seeds
    seeds: Annotated[tuple[Seed, ...], BeforeValidator(_distinct), Field(min_length=1)]
    selection: Literal["last", "best"] = "last"  # epoch that counts: the last, or best validation
    data: DataSpec
    hyperparameters: dict[str, Scalar] = Field(default_factory=dict)
    design: Design
    teacher: TeacherSpec | None = None
    augmentation: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)] | None = None
    metrics: MetricsSpec | None = None  # None: accuracy alone
    halving: Halving | None = None
    resources: Resources = Resources()
    retries: Retries = Retries()

    @property
    def recorded(self) -> tuple[str, ...]:
        """Names of the metrics that are measured besides the loss."""
        return self.metrics.recorded if self.metrics else (ACCURACY,)

    @property
    def selecting(self) -> str:
        """The metric whose value on the selection split chooses epochs and configurations."""
        return self.metrics.select if self.metrics else ACCURACY

    @property
    def maximise(self) -> bool:
        """Whether a higher value of that metric is better."""
        metric = find_metric(self.selecting)
        return metric is None or metric.higher_is_better
