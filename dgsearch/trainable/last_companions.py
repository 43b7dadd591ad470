"""Trials that wait, whose last stage another trial trains beside its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from dgsearch.data.splits import TrialData
from dgsearch.methods.base import Product, Stage, StageRun
from dgsearch.methods.registry import find_method
from dgsearch.trainable.account import Account
from dgsearch.trainable.ahead import Ahead
from dgsearch.trainable.border import checked_diagnostics, checked_epochs
from dgsearch.trainable.checkpoint import (
    begin_run,
    random_state,
    read_checkpoint,
    run_state,
    write_checkpoint,
)
from dgsearch.trainable.companions import Place, stage_context
from dgsearch.trainable.judge import Judge
from dgsearch.trainable.keys import Numerics, stage_keys
from dgsearch.trainable.reports import Parted, StageUse, TrialJob

logger = logging.getLogger(__name__)


@dataclass
class LastCompanion:
    """The last stage of a trial that waits, and the account that the trial will have of it.

    Attributes:
        place: Of the trial in the other one's job.
        stage: Name of the stage.
        key: Its key.
        seed: Of the trial.
        start: Makes its run.
        account: Of the trial.
        ahead: Its checkpoint and claim.
        saved: The checkpoint that it resumes from; {} where it begins.
        device: Where it is trained.
    """

    place: int
    stage: str
    key: str
    seed: int
    start: Callable[[], StageRun]
    account: Account
    ahead: Ahead
    saved: dict[str, Any]
    device: torch.device

    def __post_init__(self) -> None:
        """Begin where the checkpoint is."""
        self.written = int(self.saved.get("epoch", 0))  # epoch of the checkpoint
        if self.saved:
            self.account.restore(self.saved)
        self.begin()
        self.epochs = checked_epochs(self.run.epochs, stage=self.stage, last=True)

    def begin(self) -> None:
        """Make the run again, as it was before it was trained here."""
        with _own_random_numbers(self.device):
            begin = partial(
                begin_run,
                self.start,
                seed=self.seed,
                stage=self.stage,
                device=self.device,
                saved=self.saved or None,
            )
            self.run = self.account.watched(begin, self.saved)
            self._random = random_state(self.device)

    def trained(
        self, epoch: int, reported: Mapping[str, float], *, seconds: float, members: int
    ) -> None:
        """Judge an epoch that was trained in a cohort.

        Args:
            epoch: Which epoch.
            reported: What its training reported.
            seconds: Its share of the cohort's time.
            members: Of the cohort.
        """
        account = self.account
        account.train_s += seconds
        account.aside_s -= seconds
        numbers = {**checked_diagnostics(reported, stage=self.stage), "epoch_s": seconds}
        before = account.evaluation_s
        with _own_random_numbers(self.device):
            account.judged(
                self.stage, self.run, epoch, self.epochs, {**numbers, "cohort": members}
            )
        account.aside_s -= account.evaluation_s - before
        account.history[-1] = replace(account.history[-1], aside_s=account.aside_s)

    def write(self, epoch: int) -> None:
        """Write the checkpoint that the trial will find; without room, an older one stays."""
        state = run_state(self.run, key=self.key, epoch=epoch, device=self.device)
        state |= self._random | self.account.state() | {"ahead_s": -self.account.aside_s}
        if write_checkpoint(self.ahead.file, state):
            self.written = epoch

    @property
    def parted(self) -> Parted:
        """What there is to say when it leaves."""
        return Parted(self.place, self.written)


def _own_random_numbers(device: torch.device) -> Any:
    """While another trial's code runs: torch's random numbers of this one stay as they are."""
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


class LastCompanions:
    """Finds those of the trials asked for whose last stage can be trained beside this one's."""

    def __init__(self, stage: Stage, place: Place, *, done: int) -> None:
        """Look beside a trial.

        Args:
            stage: Its last stage.
            place: The trial, and where it works.
            done: Epochs of its last stage that it has; the others must have as many.
        """
        self._stage, self._place, self._done = stage, place, done
        self._stored: dict[str, tuple[Product, dict[str, Any]]] = {}
        self.parted: list[Parted] = []  # those that cannot be

    def found(self) -> Iterator[LastCompanion]:
        """Those that can, each claimed."""
        for number, _ in enumerate(self._place.job.beside.get(self._stage.name, ())):
            try:
                companion = self._companion(number)
            except Exception as error:  # noqa: BLE001 - its own trial will meet it and record it
                logger.warning(
                    "stage %s of another trial does not start here: %s", self._stage.name, error
                )
                companion = Parted(number, 0)
            if isinstance(companion, Parted):
                self.parted.append(companion)
            else:
                yield companion

    def _companion(self, number: int) -> LastCompanion | Parted:
        values, seed = self._place.job.beside[self._stage.name][number]
        job = replace(
            self._place.job, values=values, seed=seed, beside={}, continues=None, announces=False
        )
        method, device = find_method(job.method), self._place.device
        judge = Judge(job, device, one_target=method.one_target)
        stages = method.stages(values)
        numerics = Numerics.current(device, fuse=job.fuse)
        keys = stage_keys(stages, values, seed=seed, data=judge.data, numerics=numerics)
        key = keys[stages[-1].name]
        ahead = Ahead(job, key)
        uses = {stage.name: self._use(stage.name, keys[stage.name]) for stage in stages[:-1]}
        if key == self._place.keys[self._stage.name] or None in uses.values():
            return Parted(number, 0)
        if not ahead.claim():
            return Parted(number, 0)
        try:
            saved = read_checkpoint(ahead.file)
            saved = saved if saved.get("key") == key else {}
            if saved.get("epoch", 0) != self._done:
                ahead.release()
                return Parted(number, saved.get("epoch", 0))
            account = Account(job, judge, device)
            self._enter(account, uses)
            products = {name: self._product(name, keys[name]) for name in uses}
            start = _start(stages[-1], job, judge.data, products, device)
            return LastCompanion(
                number, stages[-1].name, key, seed, start, account, ahead, saved, device
            )
        except BaseException:
            ahead.release()
            raise

    def _use(self, stage: str, key: str) -> tuple[StageUse, dict[str, Any]] | None:
        """How the trial comes by a shared stage; None if that is not stored."""
        if key not in self._stored:
            stored = self._place.store.load(key)
            if stored is None:
                return None
            self._stored[key] = stored
        record = self._stored[key][1]
        return StageUse(stage, key, True, 0.0, record["seconds"]), record

    def _product(self, stage: str, key: str) -> Product:
        """What a shared stage made; the very object of this trial where they agree on it."""
        if self._place.keys.get(stage) == key and stage in self._place.products:
            return self._place.products[stage]
        return self._stored[key][0]

    @staticmethod
    def _enter(
        account: Account, uses: Mapping[str, tuple[StageUse, dict[str, Any]] | None]
    ) -> None:
        """Enter the shared stages into the account, with what they warned of."""
        for entry in uses.values():
            assert entry is not None
            use, record = entry
            account.uses.append(use)
            account.warnings |= dict.fromkeys(record.get("warnings", ()))


def _start(
    stage: Stage,
    job: TrialJob,
    data: TrialData,
    products: Mapping[str, Product],
    device: torch.device,
) -> Callable[[], StageRun]:
    context = stage_context(
        stage, job.values, seed=job.seed, data=data, products=products, device=device
    )
    return partial(stage.start, context)
