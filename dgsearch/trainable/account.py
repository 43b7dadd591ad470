"""What a trial has to show so far: its epochs and their scores, its stages, seconds, warnings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import torch

from dgsearch.methods.base import HasClassifier, HasSamples, HasWarnings, StageRun
from dgsearch.trainable.border import checked_samples, checked_texts
from dgsearch.trainable.evaluation import Score, best_so_far
from dgsearch.trainable.judge import Judge
from dgsearch.trainable.memory import peak_memory_mb
from dgsearch.trainable.reports import EpochReport, StageUse, TrialJob


class Account:
    """The account of one trial.

    Attributes:
        judge: Evaluates its last stage.
        history: Reports of the epochs of its last stage.
        uses: How it came by its shared stages.
        warnings: What a reader must know, each text once, in order.
        train_s: Training time, of all stages.
        evaluation_s: Time spent in evaluation.
        aside_s: Seconds of its worker that went to other trials; negative: what the worker of
            another trial spent on this one.
    """

    def __init__(self, job: TrialJob, judge: Judge, device: torch.device) -> None:
        """Begin the account of the trial that `job` describes."""
        self._job, self._device = job, device
        self.judge = judge
        self.history: list[EpochReport] = []
        self.uses: list[StageUse] = []
        self.warnings = dict.fromkeys(judge.data.warnings)
        self.train_s = self.evaluation_s = self.aside_s = 0.0

    def report(
        self,
        stage: str,
        epochs: int,
        *,
        last: bool = False,
        done: int | None = None,
        scores: Sequence[Score] = (),
        samples: Mapping[str, Any] | None = None,
    ) -> EpochReport:
        """What there is to say after an epoch of a stage.

        Args:
            stage: Name of the stage.
            epochs: How many it has.
            last: Whether it is the trial's last stage.
            done: Which epoch; None: the last one.
            scores: What was measured after it, of the last stage.
            samples: What the trial shows of itself.
        """
        return EpochReport(
            stage=stage,
            stage_epoch=epochs if done is None else done,
            stage_epochs=epochs,
            last=last,
            value=self.judge.value(scores) if last else None,
            scores=tuple(scores),
            seconds=self.train_s,
            evaluation_s=self.evaluation_s,
            stages=tuple(self.uses),
            peak_memory_mb=peak_memory_mb(self._device),
            samples=samples or {},
            warnings=tuple(self.warnings),
            aside_s=self.aside_s,
        )

    def judged(
        self, stage: str, run: StageRun, epoch: int, epochs: int, numbers: Mapping[str, float]
    ) -> EpochReport:
        """Evaluate after an epoch of the last stage; the report joins the history.

        Args:
            stage: Name of the stage.
            run: Its run.
            epoch: Which epoch.
            epochs: How many it has.
            numbers: What the training reported, by name.
        """
        final = epoch == epochs
        started = time.perf_counter()
        classifier = cast(HasClassifier, run).classifier()
        found, judged = self.judge.evaluation(classifier, last=final)
        numbers = {**numbers, **dict(self.judge.training_scores())}
        source = "+".join(self._job.data.source or self._job.data.targets)
        scores = [Score("train", source, name, value) for name, value in numbers.items()] + judged
        self.evaluation_s += time.perf_counter() - started
        if final:
            self.warnings |= dict.fromkeys([*self.judge.warnings(), *noticed(run)])
        samples = self._samples(stage, run) if final else {}
        report = self.report(stage, epochs, last=True, done=epoch, scores=scores, samples=samples)
        if self._counts(report):
            report = replace(report, correct=found.packed())
        self.history.append(report)
        return report

    def watched(self, begin: Callable[[], StageRun], saved: Mapping[str, Any]) -> StageRun:
        """A run of the last stage, whose classifier is judged from now on.

        Args:
            begin: Makes the run where it stands.
            saved: What `state` gave there; {} where it begins.
        """
        run = begin()
        self.judge.watch(cast(HasClassifier, run).classifier())
        self.judge.restore(saved.get("averaging"))
        return run

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        return {
            "averaging": self.judge.state(),
            "history": [report.to_json() for report in self.history],
            "uses": [vars(use) for use in self.uses],
            "train_s": self.train_s,
            "evaluation_s": self.evaluation_s,
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Resume from what `state` gave.

        Seconds that an earlier attempt spent for others are that attempt's.
        """
        ahead = saved.get("ahead_s")
        history = [EpochReport.from_json(report) for report in saved["history"]]
        self.history = [
            replace(report, aside_s=report.aside_s if ahead else 0.0) for report in history
        ]
        self.uses = [StageUse(**use) for use in saved["uses"]]
        self.train_s = saved["train_s"]
        self.evaluation_s = saved["evaluation_s"]
        self.aside_s = -(ahead or 0.0)

    def _counts(self, report: EpochReport) -> bool:
        """Whether an epoch of the last stage is the one that counts, as far as is known now."""
        if self._job.selection == "last" or report.value is None:
            return report.stage_epoch == report.stage_epochs
        values = [earlier.value for earlier in self.history]
        return best_so_far(report.value, values, maximise=self._job.maximise)

    def _samples(self, stage: str, run: StageRun) -> Mapping[str, Any]:
        asked = self._job.values.get("sample") == "on"
        if not asked or not isinstance(run, HasSamples):
            return {}
        return checked_samples(run.samples(), stage=stage)


def noticed(run: StageRun) -> list[str]:
    """What a run has noticed that a reader must know; to be asked after its last epoch."""
    return checked_texts(run.warnings()) if isinstance(run, HasWarnings) else []
