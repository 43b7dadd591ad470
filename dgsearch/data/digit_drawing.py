"""Drawing digits: real scans, glyphs of a font, and what a domain does to them.

Shapes: N images of H = W = 32 pixels; grey images are (N, H, W) and coloured ones
(N, H, W, 3), float32 in [0, 1], light ink on dark ground. All randomness comes from the
generator that is passed in.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

SIZE = 32
_CANVAS = 96  # glyphs are drawn large and reduced, which smooths their edges

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]


@lru_cache(maxsize=1)
def real_scans() -> tuple[Floats, Labels]:
    """scikit-learn's 1,797 handwritten digits, enlarged: (N, H, W) and labels (N,)."""
    table = np.loadtxt(_sklearn_datasets() / "data" / "digits.csv.gz", delimiter=",")  # (N, 65)
    small = np.asarray(table[:, :-1].reshape(-1, 8, 8) / 16.0, dtype=np.float32)
    labels: Labels = table[:, -1].astype(np.int64)
    return np.stack([_enlarge(image) for image in small]), labels


def sample_photographs() -> list[NDArray[np.uint8]]:
    """scikit-learn's two photographs: (H, W, 3) each."""
    files = sorted((_sklearn_datasets() / "images").glob("*.jpg"))
    return [np.asarray(Image.open(file)) for file in files]


def _sklearn_datasets() -> Path:
    """Where scikit-learn keeps its data; found without importing it, which takes a second."""
    spec = find_spec("sklearn")
    assert spec is not None, "scikit-learn is a dependency of dgsearch"
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets"


def blend_by_difference(images: Floats, random: np.random.Generator) -> Floats:
    """Each digit as the difference to a crop of a photograph, the recipe of MNIST-M."""
    crops = _photo_crops(len(images), random)
    return np.asarray(np.abs(crops - images[..., None]), dtype=np.float32)


def slant(images: Floats, random: np.random.Generator) -> Floats:
    """Digits in another hand: sheared to the left, thicker or thinner, of weaker contrast."""
    slanted = np.empty_like(images)
    for place, image in enumerate(images):
        shear = random.uniform(-0.1, 0.5)
        stretch = random.uniform(0.85, 1.15)
        moved = _affine(image, np.array([[stretch, 0.0], [shear, random.uniform(1.0, 1.25)]]))
        thick = random.integers(3)
        if thick == 0:
            moved = ndimage.grey_erosion(moved, size=(2, 2))
        elif thick == 2:
            moved = ndimage.grey_dilation(moved, size=(3, 3))
        slanted[place] = random.uniform(0.6, 1.0) * moved
    return slanted


def draw_typeset(labels: Labels, random: np.random.Generator) -> Floats:
    """Digits of a scalable font: another size, weight, angle, place and blur each."""
    return np.stack([_glyph(int(label), random) for label in labels])


def colour(images: Floats, random: np.random.Generator) -> Floats:
    """Ink and ground in two colours, the ink mostly the lighter one."""
    count = len(images)
    ground = random.uniform(0.0, 0.45, (count, 1, 1, 3))
    ink = random.uniform(0.55, 1.0, (count, 1, 1, 3))
    swap = random.random((count, 1, 1, 1)) < 0.2
    ground, ink = np.where(swap, ink, ground), np.where(swap, ground, ink)
    grey = images[..., None]
    return (ground * (1 - grey) + ink * grey).astype(np.float32)


def street_scene(labels: Labels, random: np.random.Generator) -> Floats:
    """A coloured digit between parts of two neighbours, with uneven light and noise."""
    centre = draw_typeset(labels, random)
    for side in (-1, 1):
        neighbours = draw_typeset(random.integers(0, 10, len(labels)), random)
        shift = random.integers(20, 27, len(labels)) * side
        moved = np.stack(
            [
                ndimage.shift(image, (0, step), order=0)
                for image, step in zip(neighbours, shift, strict=True)
            ]
        )
        centre = np.maximum(centre, moved)
    scene = colour(centre, random)
    light = 1 + 0.35 * (_gradients(len(labels), random) - 0.5)
    noise = random.normal(0, 0.06, scene.shape)
    blurred = ndimage.gaussian_filter(scene * light[..., None], (0, 0.6, 0.6, 0))
    return np.asarray(np.clip(blurred + noise, 0, 1), dtype=np.float32)


def texture(images: Floats, random: np.random.Generator, *, noise: float) -> Floats:
    """Every second image on a coloured gradient with blurred noise, the others left clean."""
    count = len(images)
    colours = random.uniform(0, 0.9, (count, 2, 3))
    ramp = _gradients(count, random)[..., None]
    ground = ramp * colours[:, None, None, 0] + (1 - ramp) * colours[:, None, None, 1]
    grain = ndimage.gaussian_filter(random.normal(0, 1, ground.shape), (0, 2, 2, 0))
    ground = np.clip(ground + noise * grain, 0, 1)
    grey = images[..., None]
    textured = np.abs(ground - grey)
    clean = np.repeat(grey, 3, axis=-1)
    chosen = np.arange(count)[:, None, None, None] % 2 == 0
    return np.where(chosen, textured, clean).astype(np.float32)


def _enlarge(image: Floats) -> Floats:
    """From 8x8 to 32x32, smoothly."""
    large = Image.fromarray(image).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(large, dtype=np.float32), 0, 1)


def _photo_crops(count: int, random: np.random.Generator) -> Floats:
    """Square crops of scikit-learn's two photographs, reduced: (count, H, W, 3)."""
    photos = sample_photographs()
    crops = np.empty((count, SIZE, SIZE, 3), dtype=np.float32)
    for place in range(count):
        photo = photos[random.integers(len(photos))]
        side = int(random.integers(SIZE, 4 * SIZE))
        top = random.integers(photo.shape[0] - side)
        left = random.integers(photo.shape[1] - side)
        crop = Image.fromarray(photo[top : top + side, left : left + side])
        small = crop.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
        crops[place] = np.asarray(small, dtype=np.float32) / 255
    return crops


def _affine(image: Floats, matrix: NDArray[np.float64]) -> Floats:
    """The image under a linear map about its centre, black outside."""
    middle = np.array([(SIZE - 1) / 2, (SIZE - 1) / 2])
    moved = ndimage.affine_transform(image, matrix, offset=middle - matrix @ middle, order=1)
    return np.asarray(moved, dtype=np.float32)


@lru_cache(maxsize=64)
def _font(pixels: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=pixels)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType; install a wheel of Pillow >= 10.1")
    return font


def _glyph(digit: int, random: np.random.Generator) -> Floats:
    """One digit of the font, light on dark, about as high as a scan."""
    canvas = Image.new("L", (_CANVAS, _CANVAS), 0)
    size = int(_CANVAS * random.uniform(0.95, 1.25))
    left, top = _CANVAS / 2 + random.uniform(-4, 4, 2)
    weight = int(random.integers(0, 5))
    ImageDraw.Draw(canvas).text(
        (left, top), str(digit), 255, _font(size), anchor="mm", stroke_width=weight
    )
    turned = canvas.rotate(random.uniform(-15, 15), Image.Resampling.BILINEAR)
    small = turned.resize((SIZE, SIZE), Image.Resampling.BOX)
    grey = np.asarray(small, dtype=np.float32) / 255
    blurred = ndimage.gaussian_filter(grey, random.uniform(0, 1.0))
    return np.asarray(blurred / max(float(blurred.max()), 0.5), dtype=np.float32)


def _gradients(count: int, random: np.random.Generator) -> Floats:
    """Linear ramps from 0 to 1 in random directions: (count, H, W)."""
    angle = random.uniform(0, 2 * np.pi, (count, 1, 1))
    axis = np.linspace(-0.5, 0.5, SIZE)
    ramp = axis[None, :, None] * np.sin(angle) + axis[None, None, :] * np.cos(angle)
    return np.clip(ramp + 0.5, 0, 1).astype(np.float32)
