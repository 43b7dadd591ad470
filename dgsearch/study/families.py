"""The families of transformations under which a validation split is scored, by name.

What they do to pixels is in `dgsearch.trainable.augmented`; here is what a page and a study file
must know of them: which there are, which of them training uses, and which are left to judge by.
A method is never judged by a family that any method of the same study trains with, so that all
methods of a study are judged by the same images.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dgsearch.errors import Problem
from dgsearch.wording import plural

AUGMENTED = "augmented"  # the selection rule, and the split of its scores

FAMILIES: Mapping[str, str] = {
    "colour": "two random colours for dark and light",
    "brightness": "gamma",
    "contrast": "contrast lowered or raised",
    "solarise": "bright pixels, or all of them, as their negative",
    "posterise": "few levels of each channel",
    "blur": "Gaussian blur",
    "noise": "Gaussian noise",
    "geometry": "turned, sheared, scaled, moved",
    "perspective": "corners moved",
    "edges": "the size of the gradient in place of the image",
    "texture": "on smooth coloured noise",
    "convolution": "a random linear filter",
    "occlusion": "a grey rectangle on it",
    "pixelate": "low resolution",
}
"""Each family with what it does."""

FEWEST = 3  # families that the rule needs

_POLICY = ("colour", "brightness", "contrast", "solarise", "posterise", "geometry")
_JITTER = ("colour", "brightness", "contrast")
OF_TRANSFORMS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("AugMix", "AutoAugment", "RandAugment", "TrivialAugmentWide"), _POLICY),
    **dict.fromkeys(("ColorJitter", "RandomPhotometricDistort"), _JITTER),
    **dict.fromkeys(("Grayscale", "RandomGrayscale", "RandomChannelPermutation"), ("colour",)),
    **dict.fromkeys(("RandomAutocontrast", "RandomEqualize"), ("brightness", "contrast")),
    **dict.fromkeys(("RandomInvert", "RandomSolarize"), ("solarise",)),
    **dict.fromkeys(("GaussianBlur", "RandomAdjustSharpness"), ("blur",)),
    **dict.fromkeys(("CenterCrop", "Pad", "RandomAffine", "RandomCrop"), ("geometry",)),
    **dict.fromkeys(("RandomHorizontalFlip", "RandomVerticalFlip"), ("geometry",)),
    **dict.fromkeys(("RandomResizedCrop", "RandomRotation", "RandomZoomOut"), ("geometry",)),
    **dict.fromkeys(("ElasticTransform", "RandomPerspective"), ("geometry", "perspective")),
    "GaussianNoise": ("noise",),
    "RandomErasing": ("occlusion",),
    "RandomPosterize": ("posterise",),
    "Resize": ("pixelate",),
}
"""Families that a transform of `[[augmentation]]` belongs to; nested ones have those inside."""


def transform_families(steps: Iterable[Mapping[str, Any]]) -> set[str]:
    """The families that a pipeline of `[[augmentation]]` trains with.

    Args:
        steps: Its tables, each with a name and, where it holds others, `transforms`.
    """
    found: set[str] = set()
    for step in steps:
        found.update(OF_TRANSFORMS.get(str(step.get("name")), ()))
        inside = step.get("transforms")
        found |= transform_families(inside) if isinstance(inside, list | tuple) else set()
    return found


def trained_families(
    declared: Iterable[Iterable[str]], augmentation: Iterable[Mapping[str, Any]] | None = None
) -> tuple[str, ...]:
    """The families that any method of a study trains with, in the order of `FAMILIES`.

    Args:
        declared: Those of each method.
        augmentation: `[[augmentation]]` of the study file.
    """
    found = {name for own in declared for name in own} | transform_families(augmentation or ())
    return tuple(name for name in FAMILIES if name in found)


def counted_families(trained: Iterable[str]) -> tuple[str, ...]:
    """The families that are left to judge by."""
    out = set(trained)
    return tuple(name for name in FAMILIES if name not in out)


def check_families(trained: Iterable[str]) -> Iterator[Problem]:
    """The problem of a study that selects by families and leaves too few of them, if it is one.

    Args:
        trained: `trained_families` of the study.
    """
    left = counted_families(trained)
    if len(left) >= FEWEST:
        return
    names = f" ({', '.join(left)})" if left else ""
    yield Problem(
        "selection",
        repr(AUGMENTED),
        f"the methods and [[augmentation]] of the study train with all families but "
        f"{len(left)}{names}, and the rule needs {plural(FEWEST, 'family')}; take a "
        'method or a transform out, or choose selection = "last" or "best"',
    )
