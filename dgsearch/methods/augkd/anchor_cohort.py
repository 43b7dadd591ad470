"""Anchor networks of several trials, trained together on the same or on different seeds.

The frozen networks are most of the work. What members share of them is computed once: the latent
vectors of those that draw the same batches with the same noise. Teacher and generator are folded
(`folded.py`); on the CPU they see the anchors of a few members at once, as fit its caches.

Shapes: M members, B images, K classes, L latent dimensions.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgsearch.errors import TrainingError
from dgsearch.methods.augkd.anchor_training import AnchorTraining
from dgsearch.methods.augkd.equations import energy
from dgsearch.methods.augkd.folded import FoldedGenerator, folded_teacher
from dgsearch.methods.augkd.official import is_official
from dgsearch.methods.base import CannotFuse, Fusable
from dgsearch.methods.descents import finite_or_error
from dgsearch.methods.input_gradients import quick_input_gradients
from dgsearch.methods.stacked import StackedNetwork, StackedOptimiser

_WEIGHTS = ("anchor_uncertainty_weight", "anchor_label_weight", "anchor_invariance_weight")
_SEEN_AT_ONCE = 64  # images that frozen networks see in one call on the CPU
_Latents = tuple[Tensor, Tensor]  # z (B, L) and labels (B,)


class AnchorCohort:
    """Runs of the stage `anchor`, a step of all at once."""

    def __init__(self, runs: Sequence[AnchorTraining]) -> None:
        """Stack the anchor networks and their optimisers.

        Raises:
            CannotFuse: If one follows the released code, or they have images of other numbers.
        """
        if any(is_official(run.values) for run in runs):
            raise CannotFuse('preset = "official" steps its learning rate within an epoch')
        if len({(len(run.train), len(run.held_out)) for run in runs}) > 1:
            raise CannotFuse("they have different numbers of images")
        self._runs = runs
        self._network = StackedNetwork([run.network for run in runs])
        self._optimiser = StackedOptimiser([run.optimiser for run in runs], self._network)
        self._first = _first_of_equals(runs)
        device = runs[0].best.lowest.device
        self._frozen = _frozen_of(runs, device)
        numbers = [[run.values.number(name) for name in _WEIGHTS] for run in runs]
        self._weights = torch.tensor(numbers, device=device)  # (M, 3)
        self._invariant = torch.tensor(
            [run.values.number("invariant") for run in runs], device=device
        )
        with torch.no_grad():
            self._held_out = self._by_member(_held_out_latents(run) for run in self._firsts)

    def train_epoch(self, epoch: int) -> list[Mapping[str, float] | TrainingError]:
        """One pass over the student's training images of each member."""
        self._set_training(True)
        total = torch.zeros(len(self._runs), device=self._weights.device)
        for latents in zip(*(_drawn_latents(run) for run in self._firsts), strict=True):
            total += self._step(*self._by_member(latents))
        for run, first in zip(self._runs, self._first, strict=True):
            run.order.set_state(self._runs[first].order.get_state())
            run.noise.set_state(self._runs[first].noise.get_state())
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # the optimiser's step is not its own
                run.lr_schedule.step()
        self._look()
        means = (total / len(self._runs[0].train)).tolist()
        return [finite_or_error({"anchor_loss": mean}) for mean in means]

    def _step(self, z: Tensor, labels: Tensor) -> Tensor:
        """One step of every member; its loss before it times its images, (M,)."""
        losses = self._losses(z, labels)
        self._optimiser.step(self._network.gradients(losses))
        return losses.detach() * labels.shape[1]

    def _losses(self, z: Tensor, labels: Tensor) -> Tensor:
        """The loss of each member, (M,), from z (M, B, L) and labels (M, B)."""
        anchors, mask = self._network(z, labels)  # (M, B, L) each
        logits = self._judged(anchors)  # (M, B, K)
        kinds, size = logits.shape[-1], mask.shape[-1]
        errors = F.cross_entropy(
            logits.reshape(-1, kinds), labels.reshape(-1), reduction="none"
        ).reshape(labels.shape)
        moved = mask.sum(dim=2) - size * (1 - self._invariant[:, None])  # (M, B)
        terms = [energy(logits).mean(dim=1), errors.mean(dim=1), moved.abs().mean(dim=1) / size]
        return (self._weights * torch.stack(terms, dim=1)).sum(dim=1)

    def _judged(self, anchors: Tensor) -> Tensor:
        """The teachers' logits on the images of anchors, (M, B, K)."""
        found: list[Tensor] = [anchors] * len(anchors)  # each is replaced
        most = len(anchors) if anchors.is_cuda else max(1, _SEEN_AT_ONCE // anchors.shape[1])
        for frozen, members, places in self._frozen:
            for start in range(0, len(members), most):
                part = slice(start, start + most)
                with quick_input_gradients(frozen):
                    own = frozen(anchors[places[part]].flatten(0, 1))
                logits = own.unflatten(0, (len(places[part]), -1))
                for member, logit in zip(members[part], logits, strict=True):
                    found[member] = logit
        return torch.stack(found)

    def _look(self) -> None:
        """Keep the networks whose held-out loss is the lowest so far."""
        self._set_training(False)
        with torch.no_grad():
            losses = self._losses(*self._held_out)
        for run, loss in zip(self._runs, losses, strict=True):
            run.best.look({"anchor": run.network}, loss)

    def _set_training(self, mode: bool) -> None:
        for run in self._runs:
            run.network.train(mode)

    @property
    def _firsts(self) -> list[AnchorTraining]:
        """The first of those that draw the same."""
        return [self._runs[member] for member in dict.fromkeys(self._first)]

    def _by_member(self, latents: Iterator[_Latents] | Sequence[_Latents]) -> _Latents:
        """What the firsts drew, for every member: (M, B, L) and (M, B)."""
        drawn = dict(zip(dict.fromkeys(self._first), latents, strict=True))
        z = torch.stack([drawn[first][0] for first in self._first])
        return z, torch.stack([drawn[first][1] for first in self._first])


def _drawn_latents(run: AnchorTraining) -> Iterator[_Latents]:
    """The batches of one epoch as latent vectors."""
    size = run.values.integer("batch_size")
    for batch in run.train.batches(size, run.order, smallest=2):
        with torch.no_grad():
            z = run.encoder.sample(batch.images, batch.labels, run.noise)
        yield z, batch.labels


def _held_out_latents(run: AnchorTraining) -> _Latents:
    mean, _ = run.encoder(run.held_out.images, run.held_out.labels)
    return mean, run.held_out.labels


def _first_of_equals(runs: Sequence[AnchorTraining]) -> list[int]:
    """For each run the number of the first one that draws the very same latent vectors."""
    drawing = [
        (
            *(id(product) for product in run.frozen_from),
            *(split.fingerprint for split in (run.train, run.held_out)),
            *(part.get_state().numpy().tobytes() for part in (run.order, run.noise)),
        )
        for run in runs
    ]
    return [drawing.index(own) for own in drawing]


def _frozen_of(
    runs: Sequence[AnchorTraining], device: torch.device
) -> list[tuple[nn.Module, list[int], Tensor]]:
    """Each teacher behind its generator, and the members that have them in common.

    Their numbers lie on the device, too, where no step has to bring them.
    """
    members: dict[tuple[int, ...], list[int]] = {}
    for member, run in enumerate(runs):
        members.setdefault(tuple(map(id, run.frozen_from)), []).append(member)
    found: list[tuple[nn.Module, list[int], Tensor]] = []
    for own in members.values():
        first = runs[own[0]]
        frozen = nn.Sequential(FoldedGenerator(first.generator), folded_teacher(first.teacher))
        found.append((frozen, own, torch.tensor(own, device=device)))
    return found


FUSABLE_ANCHOR = Fusable(
    over=("anchor_lr", "invariant", *_WEIGHTS),
    join=AnchorCohort,
    pays_on_cpu=lambda values: True,  # measured by tests/benchmarks/fused_anchor.py
)
