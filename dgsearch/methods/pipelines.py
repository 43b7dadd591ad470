"""Augmentations by name: pipelines of torchvision's v2 transforms, read from data and checked.

A pipeline is a list of tables, each the name of a transform with its arguments, as JSON. Many v2
transforms draw once for a whole batch, so that here each image goes through alone.

Shapes: B images, C = 3 channels, H = W pixels.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dgsearch.errors import MethodError, one_of

if TYPE_CHECKING:
    from torchvision.transforms import v2


_NESTED = ("RandomApply", "RandomChoice", "RandomOrder")  # of further transforms
TRANSFORMS = (
    *("AugMix", "AutoAugment", "CenterCrop", "ColorJitter", "ElasticTransform", "GaussianBlur"),
    *("GaussianNoise", "Grayscale", "Pad", "RandAugment", "RandomAdjustSharpness"),
    *("RandomAffine", "RandomAutocontrast", "RandomChannelPermutation", "RandomCrop"),
    *("RandomEqualize", "RandomErasing", "RandomGrayscale", "RandomHorizontalFlip"),
    *("RandomInvert", "RandomPerspective", "RandomPhotometricDistort", "RandomPosterize"),
    *("RandomResizedCrop", "RandomRotation", "RandomSolarize", "RandomVerticalFlip"),
    *("RandomZoomOut", "Resize", "TrivialAugmentWide"),
    *_NESTED,
)
"""Transforms of images alone, by their names in torchvision.transforms.v2."""

_ENUMS = {"interpolation": "InterpolationMode", "policy": "AutoAugmentPolicy"}
_PROBES = 8  # draws by which the size of the results is seen


def check_pipeline(text: str) -> None:
    """Whether a text describes a pipeline.

    Raises:
        ValueError: If it does not: one line for each problem, its place in front, such as
            "[1].brightness: ...".
    """
    try:
        steps = json.loads(text)
    except ValueError as error:
        raise ValueError(f": is no list of transforms as JSON: {error}") from error
    problems: list[str] = []
    _transforms(steps, "", problems)
    if problems:
        raise ValueError("\n".join(problems))


@lru_cache(maxsize=8)
def build_pipeline(text: str, image_size: int) -> Callable[[Tensor], Tensor]:
    """The transform of one image (C, H, W) that a text describes.

    Raises:
        MethodError: If what it makes of an image is not an image of the same size.
    """
    from torchvision.transforms import v2  # takes over a second to import

    check_pipeline(text)
    whole: Callable[[Tensor], Tensor] = v2.Compose(_transforms(json.loads(text), "", []))
    image = torch.full((3, image_size, image_size), 0.5)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(_PROBES):
            try:
                found = tuple(whole(image).shape)
            except (ValueError, TypeError, RuntimeError) as error:
                raise MethodError(
                    f"augmentation: fails on images of {image_size} pixels: {error}"
                ) from error
            if found != tuple(image.shape):
                raise MethodError(
                    f"augmentation: makes {found} of an image {tuple(image.shape)}; end it with "
                    f"Resize, size = [{image_size}, {image_size}], or RandomCrop"
                )
    return whole


def apply_pipeline(
    pipeline: Callable[[Tensor], Tensor], images: Tensor, random: torch.Generator
) -> Tensor:
    """Every image through the pipeline, with draws of its own.

    Args:
        pipeline: `build_pipeline`.
        images: (B, C, H, W) in [0, 1].
        random: On the CPU. torchvision draws from torch's global numbers, which begin at a draw
            of this generator and are afterwards as they were.
    """
    seed = int(torch.randint(2**62, (), generator=random))
    devices = [images.device] if images.is_cuda else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        changed = torch.stack([pipeline(image) for image in images])
    last = images.is_contiguous(memory_format=torch.channels_last)
    form = torch.channels_last if last else torch.contiguous_format
    return changed.clamp(0, 1).contiguous(memory_format=form)


def _transforms(steps: Any, place: str, problems: list[str]) -> list[v2.Transform]:
    """The transforms of a list; what is wrong with one is added to the problems."""
    if not isinstance(steps, list) or not steps:
        problems.append(f"{place}: must be a list of one transform or more")
        return []
    made = (_transform(step, f"{place}[{at}]", problems) for at, step in enumerate(steps))
    return [transform for transform in made if transform is not None]


def _transform(step: Any, place: str, problems: list[str]) -> v2.Transform | None:
    if not isinstance(step, dict) or not isinstance(step.get("name"), str):
        problems.append(
            f'{place}: must be a table with a name, such as {{ name = "ColorJitter" }}'
        )
        return None
    from torchvision.transforms import v2  # takes over a second to import

    name, arguments = step["name"], {key: step[key] for key in step if key != "name"}
    if name not in TRANSFORMS:
        problems.append(f"{place}.name = {name!r}: no such transform; {one_of(name, TRANSFORMS)}")
        return None
    kind = getattr(v2, name)
    before = len(problems)
    problems += _wrong_arguments(kind, arguments, place)
    if name in _NESTED and "transforms" in arguments:
        arguments["transforms"] = _transforms(
            arguments["transforms"], f"{place}.transforms", problems
        )
    for key in _ENUMS.keys() & arguments.keys():
        arguments[key] = _named(key, arguments[key], place, problems)
    if len(problems) > before:
        return None
    try:
        made: v2.Transform = kind(**arguments)
    except Exception as error:  # noqa: BLE001 - each transform checks its arguments in its own way
        reason = " ".join(str(error).split()) or type(error).__name__
        problems.append(f"{place}: {name}: {reason}")
        return None
    return made


def _wrong_arguments(
    kind: type[v2.Transform], arguments: Mapping[str, Any], place: str
) -> Iterator[str]:
    """Arguments that the transform does not have, and those that it needs."""
    known = inspect.signature(kind).parameters
    for key in arguments:
        if key not in known:
            yield f"{place}.{key}: {kind.__name__} has no such argument; {_options(key, known)}"
    for key, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and key not in arguments:
            yield f"{place}.{key}: is missing; {kind.__name__} needs it"


def _options(key: str, known: Mapping[str, Any]) -> str:
    return one_of(key, tuple(known)) if known else "it takes none"


def _named(key: str, value: Any, place: str, problems: list[str]) -> Any:
    """A member of one of torchvision's enumerations, by its value."""
    from torchvision.transforms import v2

    members = getattr(v2, _ENUMS[key])
    try:
        return members(value)
    except ValueError:
        names: Sequence[str] = [member.value for member in members]
        problems.append(f"{place}.{key} = {value!r}: {one_of(str(value), names)}")
        return None
