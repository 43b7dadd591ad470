"""Students of several trials, distilled together.

What members share of the frozen networks is computed once: latent vectors and anchors of those
that draw the same batches with the same noise; mixed images and the teacher's logits of those
whose ramp is at the same f, too. A member whose f has reached 1 sees half as many images as one
below it, so that the members of each kind are a group.

Shapes: M members, B images of a mini-batch, n images of a step, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import vmap

from dgsearch.data.batches import Batch
from dgsearch.errors import TrainingError
from dgsearch.methods.augkd.distill import Lesson
from dgsearch.methods.augkd.equations import mix_with_anchor
from dgsearch.methods.augkd.folded import FoldedGenerator, folded_teacher
from dgsearch.methods.augkd.official import is_official
from dgsearch.methods.augkd.once import fingerprint
from dgsearch.methods.base import CannotFuse, Fusable
from dgsearch.methods.descents import FUSED_RATES, finite_or_error, together
from dgsearch.methods.losses import distillation_losses
from dgsearch.methods.stacked import StackedNetwork, StackedOptimiser


class HasLesson(Protocol):
    """A run of the stage `distill`."""

    def lesson(self) -> Lesson:
        """What a cohort needs of it."""
        ...


class DistillationCohort:
    """Runs of the stage `distill`, a step of all at once."""

    def __init__(self, runs: Sequence[HasLesson]) -> None:
        """Stack their students and optimisers; they stay those of the runs.

        Raises:
            CannotFuse: If networks or optimisers do not allow it, or one follows the released
                code.
        """
        self._lessons = [run.lesson() for run in runs]
        if any(is_official(lesson.values) for lesson in self._lessons):
            raise CannotFuse('preset = "official" changes its learning rate within an epoch')
        self._frozen_by = [fingerprint(*lesson.made_of) for lesson in self._lessons]
        self._mixing: list[bool] = []
        self._groups: dict[bool, tuple[list[int], _Group]] = {}
        self._divide([True] * len(runs))

    def train_epoch(self, epoch: int) -> list[Mapping[str, float] | TrainingError]:
        """One pass over the student's training images of each member, at its own f."""
        ramps = [lesson.ramp(epoch) for lesson in self._lessons]
        self._divide([f < 1 for f in ramps])
        losses = torch.zeros(len(ramps), 2, device=self._lessons[0].random.device)
        for lesson in self._lessons:
            lesson.begin(epoch)
        for mixing, (members, group) in self._groups.items():
            own = [ramps[member] for member in members]
            for member, mean in zip(members, group.train_epoch(own, mixing=mixing), strict=True):
                losses[member] = mean
        agreement = torch.stack([lesson.agreement() for lesson in self._lessons])
        numbers = torch.cat([losses, agreement[:, None]], dim=1).tolist()
        return [
            _reported(lesson, f, own)
            for lesson, f, own in zip(self._lessons, ramps, numbers, strict=True)
        ]

    def _divide(self, mixing: list[bool]) -> None:
        """Put members that mix images and those that no longer do into a group each."""
        if mixing == self._mixing:
            return
        self._mixing, self._groups = mixing, {}
        for kind in dict.fromkeys(mixing):
            members = [member for member, own in enumerate(mixing) if own is kind]
            lessons = [self._lessons[member] for member in members]
            frozen_by = [self._frozen_by[member] for member in members]
            self._groups[kind] = members, _Group(lessons, frozen_by)


def _reported(
    lesson: Lesson, f: float, numbers: Sequence[float]
) -> Mapping[str, float] | TrainingError:
    label_loss, divergence, agreement = numbers
    found = finite_or_error({"label_loss": label_loss, "distillation_loss": divergence})
    if isinstance(found, TrainingError):
        return found
    known = {"student_teacher_agreement": agreement, **lesson.unchanging()}
    return {**found, "mixup_ramp": f, **known}


class _Drawn(NamedTuple):
    """A mini-batch; z and anchors, (B, L), are empty where nothing is mixed."""

    batch: Batch
    z: Tensor
    anchors: Tensor


class _Scene(NamedTuple):
    """What a student sees in a step, (n, ...); `target` is empty where no teacher is followed."""

    images: Tensor
    labels: Tensor
    target: Tensor


class _Group:
    """Members whose steps have as many images."""

    def __init__(self, lessons: Sequence[Lesson], frozen_by: Sequence[str]) -> None:
        self._lessons, self._frozen_by = lessons, frozen_by
        self._values = lessons[0].values
        self._students = StackedNetwork([lesson.student for lesson in lessons])
        optimisers = [lesson.optimiser for lesson in lessons]
        self._optimiser = StackedOptimiser(optimisers, self._students)
        self._frozen = {
            frozen_by[member]: _folded(lessons[member]) for member in reversed(range(len(lessons)))
        }
        self._distils = self._values.option("distillation") != "none"
        device = lessons[0].random.device
        self._weights = torch.tensor(
            [lesson.values.number("kd_weight") if self._distils else 0.0 for lesson in lessons],
            device=device,
        )  # (M,)
        self._temperatures = torch.tensor(
            [lesson.values.number("kd_temperature") for lesson in lessons], device=device
        )

    def train_epoch(self, ramps: Sequence[float], *, mixing: bool) -> Tensor:
        """One pass at these f; mean losses of label and distillation, (M, 2)."""
        drawings = map(_drawing, self._lessons)
        drawn_by = _first_of_equals([*zip(self._frozen_by, drawings, strict=True)])
        seen_by = _first_of_equals([*zip(drawn_by, ramps, strict=True)])
        firsts = list(dict.fromkeys(drawn_by))
        mixing = mixing and self._values.option("batch") != "raw"
        totals = torch.zeros(len(ramps), 2, device=self._weights.device)
        for batches in together([self._batches(self._lessons[first]) for first in firsts]):
            drawn = {
                first: self._drawn(first, batch, mixing=mixing)
                for first, batch in zip(firsts, batches, strict=True)
            }
            scenes = self._scenes(
                {
                    first: (drawn[drawn_by[first]], ramps[first])
                    for first in dict.fromkeys(seen_by)
                },
                mixing=mixing,
            )
            seen = [scenes[first] for first in seen_by]
            totals += self._step(seen, len(batches[0])) * len(batches[0])
        for lesson, first in zip(self._lessons, drawn_by, strict=True):
            _follow(lesson, self._lessons[first])
        return totals / len(self._lessons[0].train)

    def _batches(self, lesson: Lesson) -> Iterator[Batch]:
        size = lesson.values.integer("batch_size")
        return map(lesson.views, lesson.train.batches(size, lesson.order, smallest=2))

    def _drawn(self, member: int, batch: Batch, *, mixing: bool) -> _Drawn:
        lesson = self._lessons[member]
        if not mixing or lesson.frozen is None:
            return _Drawn(batch, batch.images.new_empty(0), batch.images.new_empty(0))
        with torch.no_grad():
            z = lesson.frozen.encoder.sample(batch.images, batch.labels, lesson.random)
            anchors, _ = lesson.frozen.anchors(z, batch.labels)
        return _Drawn(batch, z, anchors)

    def _scenes(
        self, wanted: Mapping[int, tuple[_Drawn, float]], *, mixing: bool
    ) -> dict[int, _Scene]:
        """What is seen, by the first member that sees it."""
        found: dict[int, _Scene] = {}
        for name, (teacher, generator) in self._frozen.items():
            own = {first: one for first, one in wanted.items() if self._frozen_by[first] == name}
            seen = [drawn.batch.images for drawn, _ in own.values()]
            if mixing and generator is not None:
                mixed = _each(_mixed_by(generator), [_parts(*one) for one in own.values()])
                both = self._values.option("batch") == "both"
                seen = [
                    torch.cat([images, more]) if both else more
                    for images, more in zip(seen, mixed, strict=True)
                ]
            targets = self._targets(teacher, seen, own)
            for (first, (drawn, _)), images, target in zip(
                own.items(), seen, targets, strict=True
            ):
                labels = drawn.batch.labels
                times = len(images) // len(labels)
                found[first] = _Scene(images, labels.repeat(times), target)
        return found

    def _targets(
        self,
        teacher: nn.Module,
        seen: Sequence[Tensor],
        wanted: Mapping[int, tuple[_Drawn, float]],
    ) -> list[Tensor]:
        if self._values.option("distillation") != "teacher":
            return [images.new_empty(0) for images in seen]
        taught = list(seen)
        if self._values.option("kd_on") == "mixed":  # they come last; where none are, all count
            sizes = [len(drawn.batch) for drawn, _ in wanted.values()]
            taught = [images[-size:] for images, size in zip(seen, sizes, strict=True)]
        return _each(teacher, [(images,) for images in taught])

    def _step(self, seen: Sequence[_Scene], size: int) -> Tensor:
        """Losses before a step of every member, (M, 2); `size` is that of the mini-batch."""
        logits = self._students(torch.stack([scene.images for scene in seen]))  # (M, n, K)
        labels = torch.stack([scene.labels for scene in seen])
        label_loss = vmap(F.cross_entropy)(logits, labels)
        divergence = torch.zeros_like(label_loss)
        if self._distils:
            student = logits[:, -size:] if self._values.option("kd_on") == "mixed" else logits
            itself = self._values.option("distillation") == "self"
            target = student.detach() if itself else torch.stack([one.target for one in seen])
            divergence = distillation_losses(student, target, self._temperatures)
        losses = (1 - self._weights) * label_loss + self._weights * divergence
        self._optimiser.step(self._students.gradients(losses))
        return torch.stack([label_loss, divergence], dim=1).detach()


def _each(call: Callable[..., Tensor], parts: Sequence[tuple[Tensor, ...]]) -> list[Tensor]:
    """What frozen networks make of several batches: on an accelerator as one batch."""
    with torch.no_grad():
        if not parts[0][0].is_cuda:
            return [call(*part) for part in parts]
        joined = call(*map(torch.cat, zip(*parts, strict=True)))
        return list(joined.split([len(part[0]) for part in parts]))


def _mixed_by(generator: nn.Module) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
    def mixed(images: Tensor, z: Tensor, anchors: Tensor, f: Tensor) -> Tensor:
        return mix_with_anchor(images, z, anchors, generator, f=f)

    return mixed


def _parts(drawn: _Drawn, f: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images, latent vectors, anchors and f of each image."""
    images = drawn.batch.images
    return images, drawn.z, drawn.anchors, images.new_full((len(images),), f)


def _folded(lesson: Lesson) -> tuple[nn.Module, nn.Module | None]:
    """Teacher and generator in the form that computes fastest."""
    teacher = folded_teacher(lesson.teacher)
    return teacher, None if lesson.frozen is None else FoldedGenerator(lesson.frozen.generator)


def _drawing(lesson: Lesson) -> tuple[object, ...]:
    """What decides what a member draws in an epoch."""
    generators = (lesson.order, lesson.random, *lesson.views.parts().values())
    states = (generator.get_state().numpy().tobytes() for generator in generators)
    return lesson.train.fingerprint, *states


def _first_of_equals(keys: Sequence[object]) -> list[int]:
    """For each the number of the first one that equals it."""
    return [keys.index(key) for key in keys]


def _follow(lesson: Lesson, first: Lesson) -> None:
    """Let the generators of a member be where those are that drew for it."""
    lesson.order.set_state(first.order.get_state())
    lesson.random.set_state(first.random.get_state())
    for name, generator in lesson.views.parts().items():
        generator.set_state(first.views.parts()[name].get_state())


FUSABLE_DISTILLATION = Fusable(
    over=(*FUSED_RATES, "a", "b", "kd_weight", "kd_temperature"),
    join=DistillationCohort,
)
