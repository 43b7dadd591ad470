"""One trial from its first stage to its last epoch, going on from a checkpoint if there is one."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import torch

from dgsearch.data.splits import TrialData
from dgsearch.errors import ArtifactError, ArtifactFolderError
from dgsearch.methods.base import (
    HasClassifier,
    HasSamples,
    HasWarnings,
    Product,
    Stage,
    StageContext,
    StageRun,
    state_of,
)
from dgsearch.methods.registry import find_method
from dgsearch.seeding import derive_seed
from dgsearch.trainable.border import (
    checked_diagnostics,
    checked_epochs,
    checked_samples,
    checked_texts,
)
from dgsearch.trainable.companions import Companion, Place, find_companions, stage_context
from dgsearch.trainable.evaluation import Score, best_so_far
from dgsearch.trainable.fused_run import FusedRun
from dgsearch.trainable.judge import Judge, trial_data
from dgsearch.trainable.kept_splits import keep_splits
from dgsearch.trainable.keys import Numerics, is_fused, stage_keys
from dgsearch.trainable.memory import peak_memory_mb, reset_peak_memory
from dgsearch.trainable.patience import refused
from dgsearch.trainable.process_state import seed_other_generators
from dgsearch.trainable.reports import EpochReport, StageUse, TrialJob
from dgsearch.trainable.store import Store
from dgsearch.trainable.tensor_files import read_tree, write_tree

logger = logging.getLogger(__name__)

_STORING_ATTEMPTS = 3
_NAME_CHARACTERS = 200  # of a folder
_POLL_S = 0.2  # between two looks at a stage that another trial trains


def trial_folder(artifacts: str | Path, study: str, number: int) -> Path:
    """Folder of a trial's checkpoint: `trials/<study>/<number>`; any study name is safe here.

    A long name is cut and told apart by its digest; "." and ".." would be other folders.
    """
    name = quote(study, safe=" ")
    if len(name) > _NAME_CHARACTERS:
        name = f"{name[:_NAME_CHARACTERS]}-{blake2b(study.encode(), digest_size=8).hexdigest()}"
    if name in {".", ".."}:
        name = name.replace(".", "%2E")
    return Path(artifacts) / "trials" / name / str(number)


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
        self._checkpoint = folder / "checkpoint.safetensors"
        self._checkpoint_s = checkpoint_s
        self._saved_at = time.monotonic()
        self._history: list[EpochReport] = []
        self._uses: list[StageUse] = []
        self._warnings = dict.fromkeys(self._data.warnings)  # each once, in order
        self._train_s = 0.0
        self._evaluation_s = 0.0

    def reports(self) -> Iterator[EpochReport]:
        """Train, yielding after each epoch; epochs done before an interruption come first."""
        reset_peak_memory(self._device)
        saved = self._read_checkpoint()
        yield from self._history
        products: dict[str, Product] = {}
        in_use = [self._store.leases.use(self._keys[stage.name]) for stage in self._stages[:-1]]
        try:
            for stage in self._stages[:-1]:
                products[stage.name] = yield from self._provide(stage, products, saved)
            yield from self._train(self._stages[-1], products, saved)
        finally:
            for lease in in_use:
                self._store.leases.leave(lease)

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
        self._warnings |= dict.fromkeys(record.get("warnings", ()))
        seconds = time.perf_counter() - started
        if not any(use.key == key for use in self._uses):
            self._uses.append(StageUse(stage.name, key, True, seconds, record["seconds"]))
            if self.job.announces:
                yield self._report(stage, int(record.get("epochs", 0)))
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
            time.sleep(_POLL_S)
        return stored

    def _make(
        self, stage: Stage, products: dict[str, Product], saved: dict[str, Any]
    ) -> Generator[EpochReport, None, Product]:
        """Train a stage and store what it made."""
        key = self._keys[stage.name]
        before = self._train_s
        run = yield from self._train(stage, products, saved)
        seconds = self._train_s - before
        warnings = _noticed(run)
        self._warnings |= dict.fromkeys(warnings)
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
            for other, made, noticed in run.others():
                self._store.save(other, made, record | {"warnings": checked_texts(noticed)})
        if self.job.keep_stages_gb is not None:
            self._store.prune(keep_bytes=self.job.keep_stages_gb * 1e9)
        self._uses.append(StageUse(stage.name, key, False, seconds))
        if run.epochs:
            yield self._report(stage, run.epochs)
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
        torch.manual_seed(derive_seed(self.job.seed, stage.name, "global"))
        seed_other_generators(self.job.seed, stage.name, 0)
        run = self._begin(stage, products, saved)
        if stage is self._stages[-1]:
            self._judge.watch(cast(HasClassifier, run).classifier())
        done = 0
        if saved.get("key") == self._keys[stage.name]:
            self._judge.restore(saved.get("averaging"))
            torch.set_rng_state(saved["rng"])
            if self._device.type == "cuda" and saved.get("device_rng") is not None:
                torch.cuda.set_rng_state(saved["device_rng"], self._device)
            done = int(saved["epoch"])
        last = stage is self._stages[-1]
        epochs = checked_epochs(run.epochs, stage=stage.name, last=last)
        for epoch in range(done + 1, epochs + 1):
            seed_other_generators(self.job.seed, stage.name, epoch)
            report = self._epoch(stage, run, epoch, epochs)
            if report.last:
                self._history.append(report)
            if time.monotonic() - self._saved_at >= self._checkpoint_s:
                self._write_checkpoint(stage, run, epoch)
            if report.last or epoch < epochs:
                yield report
        return run

    def _begin(
        self, stage: Stage, products: dict[str, Product], saved: dict[str, Any]
    ) -> StageRun:
        """The run of a stage where it stands; if it is fused, with those beside this trial."""
        key, start = self._keys[stage.name], partial(stage.start, self._context(stage, products))
        state = saved["state"] if saved.get("key") == key else None
        own = Companion(key, self.job.values, self.job.seed, start, state)
        last, fuse = stage is self._stages[-1], self.job.fuse
        if last or not is_fused(stage, self.job.values, fuse=fuse, device=self._device.type):
            return own.begin()
        assert stage.fusable is not None
        asked = [(*one, None) for one in self.job.beside.get(stage.name, ())]
        if state is not None:
            asked = [(one["values"], one["seed"], one["state"]) for one in saved["beside"]]
        place = Place(self.job, self._device, self._store, self._keys, products)
        self._beside = find_companions(stage, asked, place, load=self._data_of)
        return FusedRun(stage.name, stage.fusable, own, self._beside)

    def _data_of(self, seed: int) -> TrialData:
        one_target = find_method(self.job.method).one_target
        return trial_data(self.job.data, seed, str(self._device), one_target)

    def _epoch(self, stage: Stage, run: StageRun, epoch: int, epochs: int) -> EpochReport:
        started = time.perf_counter()
        with self._judge.collecting():
            diagnostics = checked_diagnostics(run.train_epoch(epoch), stage=stage.name)
        seconds = time.perf_counter() - started
        self._train_s += seconds
        if stage is not self._stages[-1]:
            return self._report(stage, epochs, done=epoch)
        final = epoch == epochs
        started = time.perf_counter()
        found, judged = self._judge.evaluation(cast(HasClassifier, run).classifier(), last=final)
        numbers = {**diagnostics, "epoch_s": seconds, **dict(self._judge.training_scores())}
        source = "+".join(self.job.data.source or self.job.data.targets)
        scores = [Score("train", source, name, value) for name, value in numbers.items()] + judged
        self._evaluation_s += time.perf_counter() - started
        if final:
            self._warnings |= dict.fromkeys([*self._judge.warnings(), *_noticed(run)])
        samples = self._samples(run) if final else {}
        report = self._report(stage, epochs, done=epoch, scores=scores, samples=samples)
        return replace(report, correct=found.packed()) if self._counts(report) else report

    def _counts(self, report: EpochReport) -> bool:
        """Whether an epoch of the last stage is the one that counts, as far as is known now."""
        if self.job.selection == "last" or report.value is None:
            return report.stage_epoch == report.stage_epochs
        values = [earlier.value for earlier in self._history]
        return best_so_far(report.value, values, maximise=self.job.maximise)

    def _report(
        self,
        stage: Stage,
        epochs: int,
        *,
        done: int | None = None,
        scores: Sequence[Score] = (),
        samples: Mapping[str, Any] | None = None,
    ) -> EpochReport:
        """What there is to say after an epoch; scores and samples are those of the last stage."""
        last = stage is self._stages[-1]
        return EpochReport(
            stage=stage.name,
            stage_epoch=epochs if done is None else done,
            stage_epochs=epochs,
            last=last,
            value=self._judge.value(scores) if last else None,
            scores=tuple(scores),
            seconds=self._train_s,
            evaluation_s=self._evaluation_s,
            stages=tuple(self._uses),
            peak_memory_mb=peak_memory_mb(self._device),
            samples=samples or {},
            warnings=tuple(self._warnings),
        )

    def _samples(self, run: StageRun) -> Mapping[str, Any]:
        asked = self.job.values.get("sample") == "on"
        if not asked or not isinstance(run, HasSamples):
            return {}
        return checked_samples(run.samples(), stage=self._stages[-1].name)

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
        """Write a checkpoint; without room for it the trial goes on and tries again later."""
        try:
            write_tree(self._checkpoint, self._state(stage, run, epoch))
        except OSError as error:
            logger.warning("%s: no checkpoint written: %s", self._checkpoint, error.strerror)
        self._saved_at = time.monotonic()

    def _state(self, stage: Stage, run: StageRun, epoch: int) -> dict[str, Any]:
        return {
            "key": self._keys[stage.name],
            "epoch": epoch,
            "state": state_of(run.parts()),
            "averaging": self._judge.state(),
            "rng": torch.get_rng_state(),
            "device_rng": _device_rng(self._device),
            "history": [report.to_json() for report in self._history],
            "uses": [vars(use) for use in self._uses],
            "train_s": self._train_s,
            "evaluation_s": self._evaluation_s,
            **({"beside": run.beside()} if isinstance(run, FusedRun) else {}),
        }

    def _read_checkpoint(self) -> dict[str, Any]:
        """The checkpoint to go on from, put into this trial's own folder; {} without one."""
        continues = self.job.continues
        if continues is not None:
            folder = trial_folder(self.job.artifacts, self.job.study, continues)
            if folder.exists() and not self._checkpoint.parent.exists():
                folder.rename(self._checkpoint.parent)
        try:
            saved: dict[str, Any] = read_tree(self._checkpoint)
        except FileNotFoundError:
            return {}
        except ArtifactError as error:
            logger.warning("%s; the trial starts again", error)
            return {}
        except OSError as error:
            raise refused(error, self._checkpoint) from error
        if saved["key"] not in self._keys.values():
            return {}
        self._history = [EpochReport.from_json(report) for report in saved["history"]]
        self._uses = [StageUse(**use) for use in saved["uses"]]
        self._train_s = saved["train_s"]
        self._evaluation_s = saved["evaluation_s"]
        return saved


def _noticed(run: StageRun) -> list[str]:
    """What a run has noticed that a reader must know; to be asked after its last epoch."""
    return checked_texts(run.warnings()) if isinstance(run, HasWarnings) else []


def _device_rng(device: torch.device) -> torch.Tensor | None:
    """State of an accelerator's own random numbers; None on a CPU."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else None
