from __future__ import annotations

import pytest
import torch

from dgsearch.methods.optimisers import cosine_share
from dgsearch.methods.views import flipped, shifted


def _random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_each_image_is_mirrored_or_not_on_its_own() -> None:
    images = torch.rand(400, 1, 1, 2)
    turned = (flipped(images, _random())[:, 0, 0, 0] == images[:, 0, 0, 1]).sum()
    assert 160 <= int(turned) <= 240  # 200 with a deviation of 10


def test_a_mirrored_image_is_the_image_read_backwards() -> None:
    images = torch.rand(8, 3, 4, 5)
    for before, after in zip(images, flipped(images, _random()), strict=True):
        assert torch.equal(after, before) or torch.equal(after, before.flip(-1))


def test_a_shift_is_a_crop_of_the_padded_image() -> None:
    images = torch.rand(50, 2, 4, 4)
    padded = torch.nn.functional.pad(images, [1] * 4)
    offsets = set()
    for number, view in enumerate(shifted(images, _random(), most=1)):
        crops = {
            (down, right): padded[number, :, down : down + 4, right : right + 4]
            for down in range(3)
            for right in range(3)
        }
        found = [offset for offset, crop in crops.items() if torch.equal(crop, view)]
        assert len(found) == 1
        offsets.add(found[0])
    assert len(offsets) == 9  # 50 draws of 9: each misses one with probability 0.003


def test_the_generator_alone_decides() -> None:
    images = torch.rand(6, 3, 8, 8)
    first = shifted(images, _random(4), most=2)
    assert torch.equal(shifted(images, _random(4), most=2), first)
    assert not torch.equal(shifted(images, _random(5), most=2), first)


@pytest.mark.parametrize(("epoch", "share"), [(1, 1.0), (6, 0.5), (10, 0.024472)])
def test_the_cosine_starts_at_one_and_halves_in_the_middle(epoch: int, share: float) -> None:
    assert cosine_share(epoch, 10) == pytest.approx(share, abs=1e-6)  # (1 + cos(pi 0.9)) / 2
