"""One picture, whatever its format, as an array of the training size.

Shapes: H = W = `size` pixels; three channels, 0..255.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from dgsearch.errors import DataError

Picture = NDArray[np.uint8]

_SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")


def read_picture(file: Path | IO[bytes], size: int) -> Picture:
    """Decode a file and resize it, without regard to its proportions.

    The pixels are those of torchvision's `ImageFolder` with `Resize((size, size))`: bilinear,
    with antialiasing, transparency dropped, no rotation by EXIF. Grey pictures of 16 bits keep
    their upper 8, where Pillow's own conversion would clip them.

    Args:
        file: JPEG, PNG, or what else Pillow reads.
        size: Side of the result in pixels.

    Returns:
        (H, W, 3).

    Raises:
        DataError: If the file cannot be read to its end; says why, without the name.
    """
    try:
        with Image.open(file) as opened:
            return _fit(_as_rgb(opened), size)
    except Exception as error:
        raise DataError(_reason(error)) from error


def resize_array(pixels: Picture, size: int) -> Picture:
    """An array as `read_picture` would give it.

    Args:
        pixels: (h, w) or (h, w, 3).
        size: Side of the result in pixels.

    Returns:
        (H, W, 3).
    """
    return _fit(Image.fromarray(pixels).convert("RGB"), size)


def _as_rgb(opened: Image.Image) -> Image.Image:
    """Three channels of 8 bits."""
    if opened.mode in _SIXTEEN_BITS:
        values = np.asarray(opened).clip(0, 65535)
        return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
    if opened.mode == "P" and "transparency" in opened.info:
        return opened.convert("RGBA").convert("RGB")
    return opened.convert("RGB")


def _fit(picture: Image.Image, size: int) -> Picture:
    if picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.BILINEAR)
    return np.array(picture, dtype=np.uint8)


def _reason(error: Exception) -> str:
    """What a decoder says, without the file's name."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, UnidentifiedImageError):
        return "not an image in any known format"
    return str(error) or type(error).__name__
