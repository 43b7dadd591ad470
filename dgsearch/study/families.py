"""The families of transformations under which a validation split is scored, by name.

What they do to pixels is in `dgsearch.trainable.augmented`; here is what a page and a study file
must know of them: which there are, which of them training uses, and which are left to judge by.
A trial is never judged by a family that its own method trains with. What makes the values of
methods that are judged by different families comparable is in `dgsearch.analysis.augmented`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from dgsearch.errors import Problem

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


def judging_families(
    declared: Mapping[str, Iterable[str]],
    *,
    augmentation: Iterable[Mapping[str, Any]] | None = None,
    together: Collection[str] = (),
) -> dict[str, tuple[str, ...]]:
    """The families that each method of a study is judged by, in the order of `FAMILIES`.

    They are those that neither the method nor `[[augmentation]]` trains with.

    Args:
        declared: The families that each method trains with, by method.
        augmentation: `[[augmentation]]` of the study file.
        together: Methods whose trials `[halving]` stops by one another's values while nobody
            knows yet how hard each family is: none is judged by what another one trains with.
    """
    always = transform_families(augmentation or ())
    trained = {method: {*own, *always} for method, own in declared.items()}
    among = {name for method in together for name in trained.get(method, ())}
    found = {}
    for method, own in trained.items():
        out = own | among if method in together else own
        found[method] = tuple(name for name in FAMILIES if name not in out)
    return found


def linked(sets: Iterable[Collection[str]]) -> bool:
    """Whether values over these sets of families can be compared, directly or through others."""
    apart: list[set[str]] = []
    for own in sets:
        meets = [group for group in apart if group & set(own)]
        apart = [group for group in apart if group not in meets] + [set(own).union(*meets)]
    return len(apart) <= 1


def check_families(judging: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """The problem of a study that selects by families and leaves too few of them, if it is one.

    Args:
        judging: `judging_families` of the study.
    """
    other = 'take a method or a transform out, or choose selection = "last" or "best"'
    for method, left in judging.items():
        if len(left) < FEWEST:
            names = f" ({', '.join(left)})" if left else ""
            yield Problem(
                "selection",
                repr(AUGMENTED),
                f"{method} can be judged by {len(left)} of the families of transformations"
                f"{names}, since it, [[augmentation]], or a method that [halving] compares it "
                f"with trains with the others; the rule needs {FEWEST}; {other}",
            )
            return
    if not linked(judging.values()):
        yield Problem(
            "selection",
            repr(AUGMENTED),
            f"{' and '.join(judging)} have no family of transformations in common by which they "
            f"can be judged; {other}",
        )
