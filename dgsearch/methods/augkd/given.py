"""A teacher that somebody else trained: built, loaded and asked, never trained.

Its file is read by safetensors or by torch's restricted unpickler, so nothing in it is executed;
a TorchScript program is checked before (`program`).
Shapes: B images, C channels, H = W pixels, K classes of the student, K_t of the teacher.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor, nn

from dgsearch.data.recognition import strip_name
from dgsearch.errors import MethodError
from dgsearch.methods.architectures import Standardise, feature_shape, whole_network
from dgsearch.methods.augkd.program import check_program, load_program, read_program
from dgsearch.methods.backbones import read_tensors
from dgsearch.methods.base import Product, Stage, StageContext
from dgsearch.methods.network_names import check_network
from dgsearch.methods.networks import Centre
from dgsearch.space import Choice, Value
from dgsearch.study.teacher import GIVEN_TEACHER, PROGRAM, TRAINED, TeacherSpec

_GREY = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R 601-2, as Pillow and torchvision
_INSIDE = ("state_dict", "model_state_dict", "model")  # where training scripts put the tensors


def _accepts(text: str) -> None:
    """Whether the hyperparameter describes a teacher that can be built.

    Raises:
        ValueError: If it does not; says which key of `[teacher]` is wrong.
    """
    try:
        spec = TeacherSpec.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(f"is set by the section [teacher]; {error.errors()[0]['msg']}") from error
    file = Path(spec.file).expanduser()
    if spec.network != PROGRAM:
        try:
            check_network(spec.network)
        except ValueError as error:
            raise ValueError(f"teacher.network = {spec.network!r}: {error}") from error
    if not file.is_file():
        raise ValueError(f"teacher.file = {spec.file!r}: there is no such file; check the path")
    if spec.network == PROGRAM:
        try:
            check_program(file)
        except ValueError as error:
            raise ValueError(f"teacher.file = {spec.file!r}: {error}") from error


GIVEN_CHOICE = Choice(
    name=GIVEN_TEACHER,
    default=TRAINED,
    options=(TRAINED,),
    other="what the section [teacher] says",
    accepts=_accepts,
    meaning="whether the teacher is trained here, or given by the section [teacher]",
)


def is_given(values: Mapping[str, Value]) -> bool:
    """Whether hyperparameters hold a teacher that is given."""
    return str(values.get(GIVEN_TEACHER, TRAINED)) != TRAINED


class GivenTeacher(nn.Module):
    """Another's classifier behind the student's classes.

    Shape:
        images (B, 3, H, W) in [0, 1] -> logits (B, K).
    """

    outputs: Tensor

    def __init__(self, network: nn.Module, normalise: nn.Module, outputs: Sequence[int]) -> None:
        """Ask `network` for its `outputs`, one for each class of the student, in order."""
        super().__init__()
        self.network = network
        self.normalise = normalise
        self.register_buffer("outputs", torch.tensor(outputs), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of the student's classes."""
        logits: Tensor = self.network(self.normalise(images))
        return logits.float().index_select(1, self.outputs)


class _Prepare(nn.Module):
    """Images at the teacher's size and number of channels, then its normalisation."""

    weights: Tensor

    def __init__(self, spec: TeacherSpec, normalise: nn.Module) -> None:
        super().__init__()
        self._size = spec.image_size
        self._channels = spec.channels
        self._normalise = normalise
        weights = torch.tensor(_GREY)[:, None, None]
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        if self._size is not None and images.shape[-1] != self._size:
            side = [self._size, self._size]
            images = F.interpolate(images, side, mode="bilinear", antialias=True)
        if self._channels == 1:
            images = (images * self.weights).sum(dim=1, keepdim=True)
        prepared: Tensor = self._normalise(images)
        return prepared


def build_given(
    text: str, state: Mapping[str, Tensor], *, labels: Sequence[str], image_size: int
) -> GivenTeacher:
    """The teacher in eval mode, without gradients of its weights.

    Args:
        text: What `[teacher]` says, as JSON.
        state: Its weights.
        labels: Names of the student's classes.
        image_size: H = W of the data in pixels.

    Raises:
        MethodError: If the weights are of another network, its outputs are not its classes, or
            it lacks classes of the student; names them.
    """
    spec = TeacherSpec.model_validate_json(text)
    size = spec.image_size or image_size
    own: nn.Module
    if spec.network == PROGRAM:
        network, own = load_program(state[PROGRAM]), nn.Identity()
        shape = _shape_of_program(network.eval(), spec, size)
    else:
        network, own = _filled(spec, state, size)
        shape = feature_shape(network, size, spec.channels)
    if shape != (2, len(spec.classes)):
        raise MethodError(
            f"teacher.classes: {len(spec.classes)} names, but {spec.network} maps two images of "
            f"{spec.channels} channels and {size} pixels to {shape}; check classes, image_size "
            "and channels"
        )
    prepare = _Prepare(spec, _normalisation(spec, own))
    teacher = GivenTeacher(network, prepare, _outputs(spec, labels))
    return teacher.eval().requires_grad_(False)


def _filled(
    spec: TeacherSpec, state: Mapping[str, Tensor], size: int
) -> tuple[nn.Module, nn.Module]:
    """A network of known code with the weights, and its own normalisation."""
    network, own = whole_network(
        spec.network, num_classes=len(spec.classes), image_size=size, channels=spec.channels
    )
    try:
        network.load_state_dict(dict(state))
    except RuntimeError as error:
        first = " ".join(str(error).split())[:300]
        raise MethodError(
            f"teacher.file = {spec.file!r}: these are not weights of {spec.network}: {first}"
        ) from error
    return network, own


def _shape_of_program(network: nn.Module, spec: TeacherSpec, size: int) -> tuple[int, ...] | None:
    """What a program makes of two images; None if it is no tensor.

    Raises:
        MethodError: If it fails, or no gradient flows through it.
    """
    for weight in network.parameters():
        weight.requires_grad_(False)
    images = torch.zeros(2, spec.channels, size, size, requires_grad=True)
    try:
        with torch.enable_grad():
            found = network(images)
    except (RuntimeError, ValueError, TypeError) as error:
        last = str(error).strip().splitlines()[-1][:300]
        raise MethodError(
            f"teacher.file = {spec.file!r}: the program fails on two images of {spec.channels} "
            f"channels and {size} pixels: {last}; check image_size and channels"
        ) from error
    if not isinstance(found, Tensor):
        return None
    if not found.requires_grad:
        raise MethodError(
            f"teacher.file = {spec.file!r}: no gradient flows through the program, so nothing can "
            "be generated from it; save it without torch.no_grad, or its tensors alone"
        )
    return tuple(found.shape)


def _normalisation(spec: TeacherSpec, own: nn.Module) -> nn.Module:
    if spec.mean:
        return Standardise(spec.mean, spec.deviation)
    if spec.normalise == "imagenet":
        return Standardise((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    return {"own": own, "centre": Centre(), "none": nn.Identity()}[spec.normalise]


def _outputs(spec: TeacherSpec, labels: Sequence[str]) -> list[int]:
    """The teacher's output for each of the student's classes, by their names."""
    places = {strip_name(name): place for place, name in enumerate(spec.classes)}
    missing = [label for label in labels if strip_name(label) not in places]
    if missing:
        raise MethodError(
            f"teacher.classes: have no {', '.join(missing[:8])} of the data's {len(labels)} "
            f"classes ({len(missing)} missing); the teacher's are {', '.join(spec.classes[:8])}"
        )
    return [places[strip_name(label)] for label in labels]


class _Given:
    """The run of the stage `teacher` where it is given: no epoch, its weights as product."""

    epochs = 0

    def __init__(self, context: StageContext) -> None:
        text = context.values.option(GIVEN_TEACHER)
        self._state = _tensors(TeacherSpec.model_validate_json(text))
        build_given(
            text, self._state, labels=context.labels, image_size=context.image_size
        )  # whatever is wrong with it is said here, before anything is trained

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """Never called."""
        return {}

    def parts(self) -> Mapping[str, Any]:
        """Nothing changes."""
        return {}

    def product(self) -> Product:
        """The teacher's weights, as its file names them."""
        return {"given": dict(self._state)}


GIVEN = Stage(name="teacher", version=1, reads=(GIVEN_TEACHER,), splits=(), start=_Given, after=())


def _tensors(spec: TeacherSpec) -> dict[str, Tensor]:
    file = Path(spec.file).expanduser()
    if spec.network == PROGRAM:
        try:
            return {PROGRAM: read_program(file)}
        except ValueError as error:
            raise MethodError(f"teacher.file = {spec.file!r}: {error}") from error
    state = read_tensors(file, inside=_INSIDE)
    return {name.removeprefix("module."): tensor.contiguous() for name, tensor in state.items()}
