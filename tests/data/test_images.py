from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets.folder import default_loader
from torchvision.transforms import Resize

from dgsearch.data.images import read_picture, resize_array
from dgsearch.errors import DataError
from tests.data.made import picture


def _solid(file: Path, mode: str, colour: object, **options: object) -> Path:
    Image.new(mode, (5, 4), colour).save(file, **options)  # type: ignore[arg-type]
    return file


@pytest.mark.parametrize("ending", ["jpg", "png", "bmp"])
def test_the_pixels_are_those_of_torchvisions_image_folder(tmp_path: Path, ending: str) -> None:
    file = picture(tmp_path / f"a.{ending}", side=40)
    expected = np.array(Resize((16, 16))(default_loader(str(file))))
    np.testing.assert_array_equal(read_picture(file, 16), expected)


def test_a_palette_becomes_its_colours(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 3)
    image.putpalette([0, 0, 0] * 3 + [10, 20, 30] + [0, 0, 0] * 252)
    image.save(tmp_path / "p.png")
    assert read_picture(tmp_path / "p.png", 4)[0, 0].tolist() == [10, 20, 30]


def test_a_palette_with_transparency_keeps_its_colours(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 3)
    image.putpalette([0, 0, 0] * 3 + [10, 20, 30] + [0, 0, 0] * 252)
    image.save(tmp_path / "p.png", transparency=bytes([0, 0, 0, 128]))
    assert read_picture(tmp_path / "p.png", 4)[0, 0].tolist() == [10, 20, 30]


def test_sixteen_bits_keep_their_upper_eight(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 0xA1B2, dtype=np.uint16)).save(tmp_path / "deep.png")
    assert read_picture(tmp_path / "deep.png", 4)[0, 0].tolist() == [0xA1] * 3


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    file = _solid(tmp_path / "c.jpg", "CMYK", (0, 255, 255, 0), quality=100)
    red, green, blue = read_picture(file, 4)[0, 0].tolist()
    assert red > 240
    assert max(green, blue) < 15


@pytest.mark.parametrize(("mode", "colour"), [("L", 77), ("LA", (77, 10)), ("1", 1)])
def test_grey_gives_three_equal_channels(tmp_path: Path, mode: str, colour: object) -> None:
    pixel = read_picture(_solid(tmp_path / "g.png", mode, colour), 4)[0, 0].tolist()
    assert pixel == [255 if mode == "1" else 77] * 3


def test_transparency_is_dropped(tmp_path: Path) -> None:
    file = _solid(tmp_path / "a.png", "RGBA", (9, 8, 7, 0))
    assert read_picture(file, 4)[0, 0].tolist() == [9, 8, 7]


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_truncated_picture_says_so(tmp_path: Path, ending: str) -> None:
    file = picture(tmp_path / f"a.{ending}", side=64)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(DataError, match="truncated"):
        read_picture(file, 16)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
def test_what_is_no_picture_says_so_without_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(DataError) as raised:
        read_picture(tmp_path / "a.jpg", 16)
    assert str(raised.value) == "not an image in any known format"


def test_a_missing_picture_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        read_picture(tmp_path / "a.jpg", 16)


def test_a_grey_array_is_repeated_over_three_channels() -> None:
    pixels = np.arange(16, dtype=np.uint8).reshape(4, 4)
    np.testing.assert_array_equal(resize_array(pixels, 4), np.stack([pixels] * 3, axis=-1))


def test_an_array_of_the_right_size_is_left_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize_array(pixels, 8), pixels)
