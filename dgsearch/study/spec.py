"""The parts of a study file, each a frozen model that checks its own values.

What needs knowledge of methods and benchmarks (names, ranges, domains) is checked in
`dgsearch.study.checks`; what needs the file (syntax, places) in `dgsearch.study.loading`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PlainValidator,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)

from dgsearch.designs.fields import Distinct, Names, Scalar
from dgsearch.designs.registry import AnyDesign
from dgsearch.errors import StudyFileError
from dgsearch.study.metrics import ACCURACY, MetricsSpec, find_metric
from dgsearch.study.teacher import GIVEN_TEACHER, TeacherSpec


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


def _fuse(value: Any) -> int | str:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value in ("off", "auto") or (whole and 2 <= value <= _MOST_FUSED):
        fuse: int | str = value
        return fuse
    raise ValueError(f'must be "off", "auto" or a whole number from 2 to {_MOST_FUSED}')


_MOST_FUSED = 1024
_Fuse = PlainValidator(_fuse, json_schema_input_type=PositiveInt | Literal["off", "auto"])
_Gpus = PlainValidator(_gpus, json_schema_input_type=NonNegativeFloat | Literal["auto"])


class DataSpec(BaseModel, frozen=True, extra="forbid"):
    """Which data is trained and tested on."""

    benchmark: str  # one that `dgsearch data` lists
    source: Names = ()  # training domains, the teacher's for augkd; none where a teacher is given
    targets: Annotated[Names, Field(min_length=1)]  # test domains; the student's for augkd
    validation: float = Field(0.2, gt=0, lt=1)  # share of the source held out for selection
    student_images: PositiveInt = 100  # labelled target images that a student trains on
    student_validation: PositiveInt = 100  # target images by which a student is selected
    redraw: bool = False  # each seed draws its own copy of the benchmark, where it is drawn
    root: str | None = None  # folder of the data; None: the benchmark's default
    image_size: int | None = Field(None, ge=8, le=1024)  # pixels a side; None: the benchmark's
    download: bool = Field(False, exclude=True)  # fetch missing files; nothing of a result


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
    gpus: Annotated[float | str, _Gpus, AfterValidator(_whole_devices)] = "auto"
    concurrent: PositiveInt | None = None  # trials at a time; None: as many as fit
    # seconds of one attempt, from when it has a worker; None: no limit
    trial_timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    # seconds without a report, which each epoch makes; loading the data counts; None: no limit
    report_timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    # trials whose shared stages one worker trains together: at most so many, or "auto": wherever
    # it pays on the device that is there
    fuse: Annotated[int | str, _Fuse] = "off"
    # algorithms of CUDA whose results repeat to the last bit; on the CPU they do anyway
    deterministic: Literal["on", "off"] = "off"
    # record a step of training as a CUDA graph and replay it, in the stages that can
    graphs: Literal["on", "off"] = "off"


class Retries(BaseModel, frozen=True, extra="forbid"):
    """How often a trial is tried again when something else than itself has ended it."""

    out_of_memory: NonNegativeInt = 1  # then alone on its device
    lost_worker: NonNegativeInt = 2  # the process of the trial, or its machine, died
    interrupted: NonNegativeInt = 20  # the driver died, or Ctrl-C
    timed_out: NonNegativeInt = 0  # over a time limit of [resources]


AUGMENT = "augment"  # the hyperparameter by which stages know `[[augmentation]]`


class ReportSpec(BaseModel, frozen=True, extra="forbid"):
    """How the page judges; may change at any time."""

    # differences within plus and minus this count as none, in the unit of the selecting metric
    # (0.01: one point of accuracy); None: nothing is called equivalent
    rope: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


_MOST_NAME = 200


def checked_name(name: str) -> str:
    """The name of a study, which every database, folder and message must hold.

    Raises:
        ValueError: If it is empty, blank or too long, or has what databases refuse.
    """
    refused = any(character == "\0" or "\ud800" <= character <= "\udfff" for character in name)
    if len(name) > _MOST_NAME or not name.strip() or refused:
        raise ValueError(
            f"allowed are 1 to {_MOST_NAME} characters, not all of them blank and none of them "
            "NUL or half a character"
        )
    return name


Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]  # what every database can hold


class StudySpec(BaseModel, frozen=True, extra="forbid"):
    """A study: what is asked, on which data, with which points and seeds.

    Read from a file by `dgsearch.load_study`, or made in Python: the sections are dictionaries,
    as in the file. What needs knowledge of methods and benchmarks (names, ranges, domains) is
    checked when the study is run.

        StudySpec(
            name="first",
            method="mpbm",
            seeds=[0, 1],
            data={"benchmark": "digits-mini", "source": ["scan"], "targets": ["photo"]},
            design={"kind": "grid", "vary": {"T": [1, 5]}},
        )

    Raises:
        StudyFileError: With every problem of the values, each with its place.
    """

    name: Annotated[str, AfterValidator(checked_name)]  # as the database knows the study
    question: str = ""  # printed at the head of the report
    method: str  # one that `dgsearch methods` lists
    baselines: Names = ()  # other methods, run beside it at the same seeds
    seeds: Annotated[tuple[Seed, ...], Distinct, Field(min_length=1)]  # repetitions of each point
    # the epoch that counts: the last, or the best on the selection split; "augmented": the best
    # on that split under transformations, by which configurations are chosen then too
    selection: Literal["last", "best", "augmented"] = "last"
    data: DataSpec  # what is trained and tested on
    # what stays fixed, by name; every other hyperparameter is at its default or varied
    hyperparameters: dict[str, Scalar] = Field(default_factory=dict)
    design: AnyDesign  # which points are trained
    teacher: TeacherSpec | None = None  # None: the teacher is trained
    # transforms of training images in order, each a `name` of torchvision.transforms.v2 and its
    # arguments; None: as the hyperparameter `augment` says
    augmentation: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)] | None = None
    metrics: MetricsSpec | None = None  # None: accuracy alone
    halving: Halving | None = None  # None: no trial is stopped early
    resources: Resources = Resources()  # what one trial may use
    retries: Retries = Retries()  # how often a trial is tried again
    report: ReportSpec = ReportSpec()  # how the page judges

    def __init__(self, **parts: Any) -> None:
        try:
            super().__init__(**parts)
        except ValidationError as error:
            from dgsearch.study.loading import problems_of

            raise StudyFileError("StudySpec", problems_of(parts, error)) from error

    def to_data(self) -> dict[str, Any]:
        """The study as a study file's plain data; what is at its default is left out."""
        data = self.model_dump(exclude_defaults=True, exclude_none=True)
        made = {GIVEN_TEACHER} if self.teacher else set()  # of sections, when they were read
        made |= {AUGMENT} if self.augmentation else set()
        fixed = {name: value for name, value in self.hyperparameters.items() if name not in made}
        data.pop("hyperparameters", None)
        if self.data.download:
            data["data"]["download"] = True
        return data | ({"hyperparameters": fixed} if fixed else {})

    def to_toml(self) -> str:
        """The study as the text of a study file, from which `load_study` reads the same study."""
        import tomli_w

        return tomli_w.dumps(self.to_data())

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
