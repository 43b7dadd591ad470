"""One trial from its first stage to its last epoch, going on from a checkpoint if there is one."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from dgsearch.data.splits import TrialData
from dgsearch.errors import ArtifactFolderError
from dgsearch.methods.base import (
    Product,
    Stage,
    StageContext,
    StageRun,
)
from dgsearch.methods.registry import find_method
from dgsearch.trainable.account import Account, noticed
from dgsearch.trainable.ahead import Ahead
from dgsearch.trainable.border import checked_diagnostics, checked_epochs, checked_texts
from dgsearch.trainable.checkpoint import (
    CHECKPOINT,
    begin_run,
    read_checkpoint,
    run_state,
    trial_folder,
    write_checkpoint,
)
from dgsearch.trainable.companions import Companion, Place, find_companions, stage_context
from dgsearch.trainable.fused_run import FusedRun
from dgsearch.trainable.judge import Judge, trial_data
from dgsearch.trainable.kept_splits import keep_splits
from dgsearch.trainable.keys import Numerics, is_fused, stage_keys
from dgsearch.trainable.last_cohort import LastCohort
from dgsearch.trainable.last_companions import LastCompanions
from dgsearch.trainable.leases import POLL_S
from dgsearch.trainable.memory import reset_peak_memory
from dgsearch.trainable.process_state import seed_other_generators
from dgsearch.trainable.reports import EpochReport, StageUse, TrialJob
from dgsearch.trainable.store import Store

_STORING_ATTEMPTS = 3


class Trial:
    """The trial that a job describes; `reports` trains it."""

    def __init__(self, job: TrialJob, device: torch.device, *, checkpoint_s: float = 15.0) -> None:
        """Prepare the trial.

        Args:
            job: What to train.
            device: Where.
            checkpoint_s: Seconds between checkpoints at least.
        """
        self.job = job
        self._device = device
        method = find_method(job.method)
        self._judge = Judge(job, device, one_target=method.one_target)
        self._data = self._judge.data
        self._account = Account(job, self._judge, device)
        keep_splits(job.artifacts, self._data)
        self._stages = method.stages(job.values)
        self._keys = stage_keys(
            self._stages,
            job.values,
            seed=job.seed,
            data=self._data,
            numerics=Numerics.current(device, fuse=job.fuse),
        )
        self._beside: list[Companion] = []  # whose stage this trial is training at present
        folder = trial_folder(job.artifacts, job.study, job.number)
        self._store = Store((Path(job.artifacts) if job.share else folder) / "stages")
        self._checkpoint = folder / CHECKPOINT
        last = self._stages[-1]
        self._ahead = Ahead(job, self._keys[last.name]) if self._fuses(last) else None
        self._checkpoint_s = checkpoint_s
        self._saved_at = time.monotonic()

    def reports(self) -> Iterator[EpochReport]:
        """Train, yielding after each epoch; epochs done before an interruption come first.

        Whoever has the last report may leave it at that: nothing of it is claimed any more.
        """
        with closing(self._reports()) as reports:
            for report in reports:
                if report.last and report.stage_epoch >= report.stage_epochs:
                    self._let_go()
                yield report

    def _reports(self) -> Generator[EpochReport, None, None]:
        reset_peak_memory(self._device)
        saved = self._read_checkpoint()
        in_use = [self._store.leases.use(self._keys[stage.name]) for stage in self._stages[:-1]]
        try:
            yield from self._account.history
            products: dict[str, Product] = {}
            for stage in self._stages[:-1]:
                products[stage.name] = yield from self._provide(stage, products, saved)
            yield from self._train(self._stages[-1], products, saved)
        finally:
            for lease in in_use:
                self._store.leases.leave(lease)
            self._let_go()

    def _let_go(self) -> None:
        """Give back the claim on the last stage."""
        if self._ahead is not None:
            self._ahead.release()

    def _fuses(self, stage: Stage) -> bool:
        """Whether a stage is trained as a cohort."""
        job = self.job
        return is_fused(stage, job.values, fuse=job.fuse, device=self._device.type)

    def _provide(
        self, stage: Stage, products: dict[str, Product], saved: dict[str, Any]
    ) -> Generator[EpochReport, None, Product]:
        """The product of a stage: from the store, or trained and then stored."""
        key = self._keys[stage.name]
        started = time.perf_counter()
        stored = self._stored_or_claimed(key)
        if stored is None:
            try:
                return (yield from self._make(stage, products, saved))
            finally:
                self._store.leases.release(key)
                for companion in self._beside:
                    self._store.leases.release(companion.key)
                self._beside = []
        product, record = stored
        self._account.warnings |= dict.fromkeys(record.get("warnings", ()))
        seconds = time.perf_counter() - started
        if not any(use.key == key for use in self._account.uses):
            self._account.uses.append(StageUse(stage.name, key, True, seconds, record["seconds"]))
            if self.job.announces:
                yield self._account.report(stage.name, int(record.get("epochs", 0)))
        return product

    def _stored_or_claimed(self, key: str) -> tuple[Product, dict[str, Any]] | None:
        """What is stored; or None, and then this trial is the one that has to train it.

        While another trial trains it, this one waits; if that one dies, this one takes over.
        """
        while (stored := self._store.load(key)) is None:
            if self._store.leases.claim(key):
                stored = self._store.load(key)  # it may have been stored just before the claim
                if stored is not None:
                    self._store.leases.release(key)
                return stored
            time.sleep(POLL_S)
        return stored

    def _make(
        self, stage: Stage, products: dict[str, Product], saved: dict[str, Any]
    ) -> Generator[EpochReport, None, Product]:
        """Train a stage and store what it made."""
        key = self._keys[stage.name]
        before = self._account.train_s
        run = yield from self._train(stage, products, saved)
        seconds = self._account.train_s - before
        warnings = noticed(run)
        self._account.warnings |= dict.fromkeys(warnings)
        members = run.members if isinstance(run, FusedRun) else 1
        record = {
            "stage": stage.name,
            "method": self.job.method,
            "seconds": seconds / members,
            "epochs": run.epochs,
            "warnings": warnings,
        }
        product = self._keep(key, run.product(), record)
        if isinstance(run, FusedRun):
            for other, made, texts in run.others():
                self._store.save(other, made, record | {"warnings": checked_texts(texts)})
        if self.job.keep_stages_gb is not None:
            self._store.prune(keep_bytes=self.job.keep_stages_gb * 1e9)
        self._account.uses.append(StageUse(stage.name, key, False, seconds))
        if run.epochs:
            yield self._account.report(stage.name, run.epochs)
        return product

    def _keep(self, key: str, product: Product, record: Mapping[str, Any]) -> Product:
        """Store a product and read it back, as every other trial does."""
        for _ in range(_STORING_ATTEMPTS):
            self._store.save(key, product, record)
            reloaded = self._store.load(key)
            if reloaded is not None:
                return reloaded[0]
        raise ArtifactFolderError(
            f"artifacts: {self._store.folder / key} vanished right after it was stored, "
            f"{_STORING_ATTEMPTS} times; find out what deletes it, then run the same command again"
        )

    def _train(
        self, stage: Stage, products: dict[str, Product], saved: dict[str, Any]
    ) -> Generator[EpochReport, None, StageRun]:
        """Train one stage to its end; the last epoch of one to be stored is not reported yet."""
        is_last, resumes = stage is self._stages[-1], saved.get("key") == self._keys[stage.name]
        run = self._begin(stage, products, saved)
        epochs = checked_epochs(run.epochs, stage=stage.name, last=is_last)
        try:
            for epoch in range(int(saved["epoch"]) + 1 if resumes else 1, epochs + 1):
                seed_other_generators(self.job.seed, stage.name, epoch)
                report = self._epoch(stage, run, epoch, epochs)
                if time.monotonic() - self._saved_at >= self._checkpoint_s:
                    self._write_checkpoint(stage, run, epoch)
                if isinstance(run, LastCohort):
                    run.rest(epoch)
                    report = replace(
                        report, aside_s=self._account.aside_s, parted=run.take_parted()
                    )
                if is_last or epoch < epochs:
                    yield report
                if isinstance(run, LastCohort):
                    run.resume()
        finally:
            if isinstance(run, LastCohort):
                run.release()
        return run

    def _begin(
        self, stage: Stage, products: dict[str, Product], saved: dict[str, Any]
    ) -> StageRun:
        """The run of a stage where it stands; if it is fused, with those beside this trial."""
        key = self._keys[stage.name]
        saved = saved if saved.get("key") == key else {}
        begin = partial(
            begin_run,
            partial(stage.start, self._context(stage, products)),
            seed=self.job.seed,
            stage=stage.name,
            device=self._device,
            saved=saved or None,
        )
        place = Place(self.job, self._device, self._store, self._keys, products)
        if stage is self._stages[-1]:
            return self._begin_last(stage, begin, place, saved)
        if not self._fuses(stage):
            return begin()
        assert stage.fusable is not None
        asked = [(*one, None) for one in self.job.beside.get(stage.name, ())]
        if saved:
            asked = [(one["values"], one["seed"], one["state"]) for one in saved["beside"]]
        self._beside = find_companions(stage, asked, place, load=self._data_of)
        return FusedRun(stage.name, stage.fusable, begin, self._beside)

    def _begin_last(
        self,
        stage: Stage,
        begin: Callable[[], StageRun],
        place: Place,
        saved: Mapping[str, Any],
    ) -> StageRun:
        """The run of the last stage; if it is fused, in lock step with those of companions."""
        watched = partial(self._account.watched, begin, saved)
        if self._ahead is None:
            return watched()
        assert stage.fusable is not None
        cohort = LastCohort(stage.fusable, watched, self._account, self.job)
        cohort.take(LastCompanions(stage, place, done=int(saved.get("epoch", 0))))
        return cohort

    def _data_of(self, seed: int) -> TrialData:
        one_target = find_method(self.job.method).one_target
        return trial_data(self.job.data, seed, str(self._device), one_target)

    def _epoch(self, stage: Stage, run: StageRun, epoch: int, epochs: int) -> EpochReport:
        started = time.perf_counter()
        with nullcontext() if isinstance(run, LastCohort) else self._judge.collecting():
            diagnostics = checked_diagnostics(run.train_epoch(epoch), stage=stage.name)
        elapsed = time.perf_counter() - started
        seconds = run.share_s if isinstance(run, LastCohort) else elapsed
        self._account.train_s += seconds
        if stage is not self._stages[-1]:
            return self._account.report(stage.name, epochs, done=epoch)
        numbers = {**diagnostics, "epoch_s": seconds}
        if isinstance(run, LastCohort):
            numbers["cohort"] = run.members
        report = self._account.judged(stage.name, _own(run), epoch, epochs, numbers)
        if isinstance(run, LastCohort):
            run.judge(epoch)
        return report

    def _context(self, stage: Stage, products: dict[str, Product]) -> StageContext:
        return stage_context(
            stage,
            self.job.values,
            seed=self.job.seed,
            data=self._data,
            products=products,
            device=self._device,
        )

    def _write_checkpoint(self, stage: Stage, run: StageRun, epoch: int) -> None:
        """Write a checkpoint, and those of companions whose last stage is trained here."""
        key = self._keys[stage.name]
        state = run_state(_own(run), key=key, epoch=epoch, device=self._device)
        state |= self._account.state()
        if isinstance(run, FusedRun):
            state["beside"] = run.beside()
        write_checkpoint(self._checkpoint, state)
        if isinstance(run, LastCohort):
            run.write(epoch)
        self._saved_at = time.monotonic()

    def _read_checkpoint(self) -> dict[str, Any]:
        """The checkpoint to go on from, put into this trial's own folder; {} without one."""
        continues, own = self.job.continues, self._checkpoint.parent
        if continues is not None:
            folder = trial_folder(self.job.artifacts, self.job.study, continues)
            if folder.exists() and not own.exists():
                folder.rename(own)
        if self._ahead is not None:
            self._ahead.take(own)
        saved = read_checkpoint(self._checkpoint)
        if not saved or saved["key"] not in self._keys.values():
            return {}
        self._account.restore(saved)
        return saved


def _own(run: StageRun) -> StageRun:
    """The run of this trial alone."""
    return run.own if isinstance(run, LastCohort) else run
