"""What a trial says while it runs: plain data that crosses processes and fills the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dgsearch.space import Value
from dgsearch.study.families import FAMILIES
from dgsearch.study.spec import DataSpec
from dgsearch.trainable.evaluation import Correct, Score


@dataclass(frozen=True)
class TrialJob:
    """All that a process needs to train one trial.

    Attributes:
        study: Name of the study.
        number: Number of the trial in the study.
        method: Name of the method.
        values: Every hyperparameter of the method.
        seed: The trial's seed.
        data: `[data]` of the study.
        artifacts: Folder of stored stages and checkpoints.
        share: Take and keep stages in the common store; otherwise in the trial's own folder.
        continues: Number of the interrupted trial whose checkpoint to go on from.
        keep_stages_gb: Bound on the store; None: none.
        metrics: Names of the metrics that are measured besides the loss.
        select: The metric that is the value of an epoch.
        maximise: Whether a higher value is better.
        selection: Which epoch counts: "last", "best" or "augmented".
        families: Families of transformations that `selection = "augmented"` judges it by.
        announces: Whether it reports a stage that it takes from the store, as others may wait.
        fuse: `[resources] fuse` of the study.
        beside: Trials whose stage this one trains beside its own, by the name of the stage: the
            hyperparameters and the seed of each.
        rungs: Epochs at which halving decides, and its cut-off at each when the trial began;
            None: no trial was there yet.
    """

    study: str
    number: int
    method: str
    values: Mapping[str, Value]
    seed: int
    data: DataSpec
    artifacts: str
    share: bool = True
    continues: int | None = None
    keep_stages_gb: float | None = None
    announces: bool = False
    metrics: tuple[str, ...] = ("accuracy",)
    select: str = "accuracy"
    maximise: bool = True
    selection: str = "last"
    families: tuple[str, ...] = tuple(FAMILIES)
    fuse: str | int = "off"
    beside: Mapping[str, Sequence[tuple[Mapping[str, Value], int]]] = field(default_factory=dict)
    rungs: Mapping[int, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class StageUse:
    """How a trial came by the product of one stage.

    Attributes:
        stage: Name of the stage.
        key: Its key.
        taken: Whether it was taken from the store rather than trained.
        seconds: What it cost this trial.
        saved_s: What training it had cost the trial that stored it; 0 where it was trained here.
    """

    stage: str
    key: str
    taken: bool
    seconds: float
    saved_s: float = 0.0


class Parted(NamedTuple):
    """A trial whose last stage is no longer trained beside another's.

    Attributes:
        place: Its place in `beside` of the other's job.
        epoch: Of the checkpoint that it resumes from; 0: it begins.
    """

    place: int
    epoch: int


@dataclass(frozen=True)
class EpochReport:
    """One epoch of one stage.

    Attributes:
        stage: Name of the stage.
        stage_epoch: Epochs of that stage done, from 1.
        stage_epochs: Epochs that the stage will have.
        last: Whether it is the trial's last stage, whose epochs are compared.
        value: Accuracy on the selection split after the epoch; None before the last stage.
        scores: What was measured after it.
        seconds: Training time so far, of all stages, without evaluation, in this trial.
        evaluation_s: Time spent in evaluation so far.
        stages: Stages whose products this trial has come by so far.
        peak_memory_mb: Peak memory so far.
        warnings: What a reader of the results must know, found by any stage so far.
        samples: What the trial shows of itself, with its last epoch only.
        correct: Which images were classified correctly: split, domain, images and a bit an image
            in base64; with epochs that count, as far as is known by then.
        aside_s: Seconds of the worker that went to other trials so far; negative: what the worker
            of another trial spent on this one.
        parted: Trials that it trains beside its own no longer.
    """

    stage: str
    stage_epoch: int
    stage_epochs: int
    last: bool
    value: float | None
    scores: tuple[Score, ...]
    seconds: float
    evaluation_s: float = 0.0
    stages: tuple[StageUse, ...] = field(default_factory=tuple)
    peak_memory_mb: float = 0.0
    warnings: tuple[str, ...] = ()
    samples: Mapping[str, Any] = field(default_factory=dict)
    correct: tuple[Correct, ...] = ()
    aside_s: float = 0.0
    parted: tuple[Parted, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            **vars(self),
            "scores": [tuple(score) for score in self.scores],
            "stages": [dict(vars(use)) for use in self.stages],
            "correct": [list(row) for row in self.correct],
            "parted": [list(one) for one in self.parted],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> EpochReport:
        """From plain data."""
        return cls(
            **{
                **data,
                "scores": tuple(Score(*score) for score in data["scores"]),
                "stages": tuple(StageUse(**use) for use in data["stages"]),
                "warnings": tuple(data["warnings"]),
                "correct": tuple(Correct(*row) for row in data.get("correct", ())),
                "parted": tuple(Parted(*one) for one in data.get("parted", ())),
            }
        )
