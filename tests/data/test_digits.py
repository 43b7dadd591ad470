from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dgsearch.data import digits
from dgsearch.data.benchmark import DataPlace
from dgsearch.data.digits import Digits
from dgsearch.errors import DataError
from tests.data.made import DIGIT_LABELS, make_digits, write_idx, write_mat, write_mnist_m_list

EXPECTED = {name: DIGIT_LABELS.tolist() for name in ("mnist", "svhn", "syn", "usps")}
EXPECTED["mnist_m"] = DIGIT_LABELS[::-1].tolist()  # labels are those of MNIST's test split


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGSEARCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_digits(tmp_path / "digits")


@pytest.mark.parametrize("domain", Digits.domains)
def test_every_set_becomes_32_pixels_in_colour_with_its_labels(root: Path, domain: str) -> None:
    loaded = Digits(DataPlace(root)).load(domain)
    assert loaded.images.shape == (6, 3, 32, 32)
    assert loaded.labels.tolist() == EXPECTED[domain]


@pytest.mark.parametrize("domain", ["mnist", "usps"])
def test_grey_sets_have_three_equal_channels(root: Path, domain: str) -> None:
    images = Digits(DataPlace(root)).load(domain).images
    assert torch.equal(images[:, 0], images[:, 1])
    assert torch.equal(images[:, 0], images[:, 2])


def test_mnist_is_its_first_ten_thousand_training_images(root: Path) -> None:
    images = np.arange(10_005, dtype=np.uint16).astype(np.uint8)[:, None, None]
    raw = root / "MNIST" / "raw"
    write_idx(raw / "train-images-idx3-ubyte", images)
    write_idx(raw / "train-labels-idx1-ubyte", images[:, 0, 0] % 10)
    loaded = Digits(DataPlace(root, image_size=8)).load("mnist")
    assert len(loaded) == 10_000
    assert loaded.images[9_999, 0, 0, 0] == 9_999 % 256


def test_packed_files_are_read_too(root: Path) -> None:
    raw = root / "MNIST" / "raw"
    whole = Digits(DataPlace(root)).load("mnist").fingerprint
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        array = digits.read_idx(raw / name)
        (raw / name).unlink()
        write_idx(raw / f"{name}.gz", array)
    assert Digits(DataPlace(root)).load("mnist").fingerprint == whole


def test_mnist_m_is_read_from_its_image_list(root: Path) -> None:
    write_mnist_m_list(root / "mnist_m", [3, 1, 4])
    assert Digits(DataPlace(root)).load("mnist_m").labels.tolist() == [3, 1, 4]


def test_another_number_of_labels_than_images_is_named(root: Path) -> None:
    write_idx(root / "MNIST" / "raw" / "train-labels-idx1-ubyte", DIGIT_LABELS[:5])
    with pytest.raises(DataError, match=r"6 images, but .* has 5 labels; download both again"):
        Digits(DataPlace(root)).load("mnist")


def test_labels_that_are_no_digits_are_named(root: Path) -> None:
    images = np.zeros((2, 32, 32, 3), dtype=np.uint8)
    write_mat(root / "SYN" / "synth_test_32x32.mat", images, [3, 11])
    with pytest.raises(DataError, match=r"synth_test_32x32\.mat: holds labels 3 to 11, not 0"):
        Digits(DataPlace(root)).load("syn")


@pytest.mark.parametrize(
    ("domain", "wanted"),
    [
        ("mnist", "train-images-idx3-ubyte and train-labels-idx1-ubyte not found in"),
        ("mnist_m", "mnist_m_test_labels.txt or keras_mnistm.pkl not found in"),
        ("usps", "usps.t.bz2 not found in"),
    ],
)
def test_a_missing_set_says_what_belongs_where(tmp_path: Path, domain: str, wanted: str) -> None:
    with pytest.raises(DataError) as raised:
        Digits(DataPlace(tmp_path / "nothing")).load(domain)
    assert wanted in str(raised.value)
    assert "SYN/synth_test_32x32.mat" in str(raised.value)


def test_nothing_is_fetched_unless_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    monkeypatch.setattr(digits, "_fetch", lambda source, root: fetched.append(source.fetch))
    for download in (False, True):
        with pytest.raises(DataError):
            Digits(DataPlace(tmp_path, download=download)).load("usps")
    assert fetched == ["USPS"]


def test_a_failed_download_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.datasets.USPS", refuse)
    with pytest.raises(DataError, match=r"USPS could not be downloaded to .*: no route to host"):
        Digits(DataPlace(tmp_path, download=True)).load("usps")


def test_an_unknown_domain_is_named() -> None:
    with pytest.raises(DataError, match=r"'minst' is no domain of digits; .*'mnist'"):
        Digits(DataPlace()).load("minst")
