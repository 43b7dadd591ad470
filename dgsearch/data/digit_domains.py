"""The six domains of `digits-mini`: which scans and glyphs each has, and what is done to them.

The scans are divided before anything is drawn: no image of `photo` or `slanted` derives from a
scan that `scan` or `textured` contains.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dgsearch.data.digit_drawing import (
    blend_by_difference,
    colour,
    draw_typeset,
    real_scans,
    slant,
    street_scene,
    texture,
)
from dgsearch.seeding import derive_seed

_TARGET_SCANS = 600
_DRAWN = 600  # images of `typeset` and of `street`

Images = NDArray[np.float32]
Labels = NDArray[np.int64]


def draw(domain: str, seed: int) -> tuple[Images, Labels]:
    """Images (N, H, W, 3) in [0, 1] and labels (N,) of one domain."""
    return _DRAW[domain](seed)


@lru_cache(maxsize=2)
def _divided_scans(seed: int) -> tuple[tuple[Images, Labels], tuple[Images, Labels]]:
    """The real scans, (N, H, W), as (for the source, for the targets), disjoint."""
    images, labels = real_scans()
    order = _random(seed, "scans").permutation(len(labels))
    source, target = order[:-_TARGET_SCANS], order[-_TARGET_SCANS:]
    return (images[source], labels[source]), (images[target], labels[target])


def _random(seed: int, job: str) -> np.random.Generator:
    return np.random.default_rng(derive_seed(seed, "digits-mini", job))


def _scan(seed: int) -> tuple[Images, Labels]:
    images, labels = _divided_scans(seed)[0]
    return np.repeat(images[..., None], 3, axis=-1), labels


def _photo(seed: int) -> tuple[Images, Labels]:
    images, labels = _divided_scans(seed)[1]
    return blend_by_difference(images, _random(seed, "photo")), labels


def _slanted(seed: int) -> tuple[Images, Labels]:
    images, labels = _divided_scans(seed)[1]
    return np.repeat(slant(images, _random(seed, "slanted"))[..., None], 3, axis=-1), labels


def _typeset(seed: int) -> tuple[Images, Labels]:
    random = _random(seed, "typeset")
    labels = random.permutation(np.arange(_DRAWN) % 10)
    return colour(draw_typeset(labels, random), random), labels


def _street(seed: int) -> tuple[Images, Labels]:
    random = _random(seed, "street")
    labels = random.permutation(np.arange(_DRAWN) % 10)
    return street_scene(labels, random), labels


def _textured(seed: int) -> tuple[Images, Labels]:
    """The teacher's domain: half of the scans on textures, half of the glyphs on gradients."""
    random = _random(seed, "textured")
    scans, labels = _divided_scans(seed)[0]
    glyph_labels = random.permutation(np.arange(_DRAWN) % 10)
    glyphs = draw_typeset(glyph_labels, random)
    images = np.concatenate(
        [texture(scans, random, noise=0.5), texture(glyphs, random, noise=0.0)]
    )
    return images, np.concatenate([labels, glyph_labels])


_DRAW: dict[str, Callable[[int], tuple[Images, Labels]]] = {
    "scan": _scan,
    "photo": _photo,
    "typeset": _typeset,
    "street": _street,
    "slanted": _slanted,
    "textured": _textured,
}
