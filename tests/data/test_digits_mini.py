from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

from dgsearch.data.digit_domains import _divided_scans
from dgsearch.data.digit_drawing import real_scans, sample_photographs
from dgsearch.data.digits_mini import DigitsMini
from dgsearch.errors import DataError


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> DigitsMini:
    return DigitsMini(tmp_path_factory.mktemp("digits"))


@pytest.mark.parametrize("domain", DigitsMini.domains)
def test_a_domain_is_drawn_in_the_promised_shape(benchmark: DigitsMini, domain: str) -> None:
    drawn = benchmark.load(domain)
    assert drawn.images.dtype == torch.uint8
    assert drawn.images.shape[1:] == (3, 32, 32)
    assert len(drawn) >= 600
    assert int(torch.bincount(drawn.labels, minlength=10).min()) >= 50


def test_the_same_seed_draws_the_same_images_again(tmp_path: Path, benchmark: DigitsMini) -> None:
    again = DigitsMini(tmp_path)
    for domain in ("photo", "street"):
        assert again.load(domain).fingerprint == benchmark.load(domain).fingerprint


def test_another_seed_draws_others(benchmark: DigitsMini) -> None:
    assert benchmark.load("street", seed=1).fingerprint != benchmark.load("street").fingerprint


def test_the_second_load_comes_from_the_cache(
    benchmark: DigitsMini, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = benchmark.load("typeset")
    monkeypatch.setattr("dgsearch.data.digit_domains._DRAW", {})
    assert benchmark.load("typeset").fingerprint == first.fingerprint


def test_a_damaged_cache_is_drawn_again(tmp_path: Path) -> None:
    benchmark = DigitsMini(tmp_path)
    whole = benchmark.load("slanted").fingerprint
    (file,) = tmp_path.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:1000])
    assert benchmark.load("slanted").fingerprint == whole


@pytest.mark.parametrize("inside", [".cache", ""])
def test_a_cache_that_cannot_be_is_named_with_a_remedy(tmp_path: Path, inside: str) -> None:
    file = tmp_path / "null"
    file.touch()  # as /dev/null is the home of many services
    with pytest.raises(DataError, match=r"cannot be kept in .*; set DGSEARCH_CACHE to a folder"):
        DigitsMini(file / inside).load("scan")


def test_no_target_shares_a_scan_with_the_source() -> None:
    (source, _), (target, _) = _divided_scans(0)
    assert len(source) + len(target) == 1797
    known = {image.tobytes() for image in source}
    repeated = {image.tobytes() for image in target} & known
    assert repeated == set()


def test_photo_and_slanted_show_the_target_scans(benchmark: DigitsMini) -> None:
    _, (_, labels) = _divided_scans(0)
    for domain in ("photo", "slanted"):
        np.testing.assert_array_equal(benchmark.load(domain).labels.numpy(), labels)


def test_an_unknown_domain_is_named() -> None:
    with pytest.raises(DataError, match=r"'streat' is no domain of digits-mini; .*'street'"):
        DigitsMini().load("streat")


def test_scans_and_photographs_are_what_scikit_learn_loads() -> None:
    images, labels = real_scans()
    digits = load_digits()
    assert labels.tolist() == digits.target.tolist()
    small = [Image.fromarray(np.float32(image / 16.0)) for image in digits.images]
    enlarged = [image.resize((32, 32), Image.Resampling.BICUBIC) for image in small]
    assert np.array_equal(images, np.clip(np.stack([np.asarray(one) for one in enlarged]), 0, 1))
    loaded = load_sample_images().images
    assert [photo.shape for photo in sample_photographs()] == [photo.shape for photo in loaded]
    for mine, theirs in zip(sample_photographs(), loaded, strict=True):
        assert np.array_equal(mine, theirs)
