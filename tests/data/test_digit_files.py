from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from dgsearch.data.digits import read_idx, read_mat, read_mnist_m_pickle, read_usps
from dgsearch.errors import DataError
from tests.data.made import write_idx, write_mat, write_mnist_m_pickle, write_usps

RANDOM = np.random.default_rng(3)
GREY = RANDOM.integers(0, 256, (4, 28, 28), dtype=np.uint8)
COLOURED = RANDOM.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"])
def test_idx_gives_back_what_was_written(tmp_path: Path, name: str) -> None:
    np.testing.assert_array_equal(read_idx(write_idx(tmp_path / name, GREY)), GREY)


def test_idx_whose_length_does_not_fit_its_header_is_named(tmp_path: Path) -> None:
    file = write_idx(tmp_path / "images", GREY)
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"images: its header promises 3136 bytes, 4 entries"):
        read_idx(file)


@pytest.mark.parametrize("content", [b"", b"\x00\x00\x0d\x01", b"PNG", b"\x00\x00\x08\x03\x00"])
def test_what_is_not_idx_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "images").write_bytes(content)
    with pytest.raises(DataError, match=r"images: (not an IDX file|ends within its header)"):
        read_idx(tmp_path / "images")


def test_idx_that_is_no_gzip_is_named(tmp_path: Path) -> None:
    (tmp_path / "images.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match=r"images\.gz: cannot be read, .*download it again"):
        read_idx(tmp_path / "images.gz")


def test_usps_gives_digits_from_zero_and_bytes(tmp_path: Path) -> None:
    images = GREY[:, :16, :16]
    read, labels = read_usps(write_usps(tmp_path / "usps.t.bz2", images, [0, 9, 3, 3]))
    assert labels.tolist() == [0, 9, 3, 3]
    assert np.abs(read.astype(int) - images.astype(int)).max() <= 1  # four decimals are stored


def test_usps_that_is_no_bzip2_is_named(tmp_path: Path) -> None:
    (tmp_path / "usps.t.bz2").write_bytes(b"no bzip2")
    with pytest.raises(DataError, match=r"usps\.t\.bz2: not USPS in bzip2"):
        read_usps(tmp_path / "usps.t.bz2")


def test_svhns_ten_is_zero(tmp_path: Path) -> None:
    images, labels = read_mat(write_mat(tmp_path / "test_32x32.mat", COLOURED, [10, 1, 9, 10]))
    assert labels.tolist() == [0, 1, 9, 0]
    np.testing.assert_array_equal(images, COLOURED)


def test_a_mat_file_with_another_number_of_labels_is_named(tmp_path: Path) -> None:
    file = write_mat(tmp_path / "test.mat", COLOURED, [1, 2, 3])
    with pytest.raises(DataError, match=r"test\.mat: 4 images but 3 labels"):
        read_mat(file)


@pytest.mark.parametrize("cut", [0, 40, 300])
def test_a_mat_file_that_ends_early_is_named(tmp_path: Path, cut: int) -> None:
    file = write_mat(tmp_path / "test.mat", COLOURED, [1, 2, 3, 4])
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"test\.mat: "):
        read_mat(file)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", ["keras_mnistm.pkl", "keras_mnistm.pkl.gz"])
def test_mnist_m_is_found_in_a_pickle_of_any_protocol(
    tmp_path: Path, name: str, protocol: int
) -> None:
    images = RANDOM.integers(0, 256, (3, 28, 28, 3), dtype=np.uint8)
    file = write_mnist_m_pickle(tmp_path / name, images, protocol=protocol)
    np.testing.assert_array_equal(read_mnist_m_pickle(file), images)


class _Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(Path(os.environ["HARMED"])),)


def test_a_harmful_pickle_is_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMED", str(tmp_path / "harmed"))
    file = tmp_path / "keras_mnistm.pkl"
    file.write_bytes(pickle.dumps({"test": _Harmful()}))
    with pytest.raises(DataError, match="holds no array under the key 'test'"):
        read_mnist_m_pickle(file)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no pickle at all", "not a pickle"),
        (pickle.dumps({"test": bytes(2000)}), "no multiple of 2352"),
        (pickle.dumps({"train": bytes(2352)}), "holds no array under the key 'test'"),
    ],
)
def test_a_pickle_without_the_images_is_named(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "keras_mnistm.pkl").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_mnist_m_pickle(tmp_path / "keras_mnistm.pkl")
