from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from dgsearch.data import cache
from dgsearch.data.benchmark import DataPlace, Domain
from dgsearch.data.folder import folder_benchmark
from dgsearch.data.images import read_picture
from dgsearch.errors import DataError
from tests.data.made import make_tree, picture


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGSEARCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "data", ["one", "two"], ["cat", "dog"], each=3)


def _load(root: Path, domain: str = "one", size: int = 16) -> Domain:
    return folder_benchmark(DataPlace(root, size)).load(domain)


def _entries(tmp_path: Path) -> list[Path]:
    return sorted(file.parent for file in (tmp_path / "cache").rglob("record.json"))


def test_images_lie_in_the_order_of_their_folders(root: Path) -> None:
    domain = _load(root)
    assert domain.labels.tolist() == [0, 0, 0, 1, 1, 1]
    for row, file in enumerate(sorted((root / "one").rglob("*.jpg"))):
        expected = torch.from_numpy(read_picture(file, 16)).permute(2, 0, 1)
        assert torch.equal(domain.images[row], expected)


def test_the_second_load_decodes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _load(root)
    monkeypatch.setattr(cache, "decode_all", None)
    again = _load(root)
    assert again.fingerprint == first.fingerprint
    assert torch.equal(again.images, first.images)


def test_images_are_mapped_from_the_file_and_not_read(root: Path, tmp_path: Path) -> None:
    domain = _load(root)
    (entry,) = _entries(tmp_path)
    raw = np.load(entry / "images.npy", mmap_mode="r")
    assert raw.dtype == np.uint8
    assert raw.shape == (6, 16, 16, 3)
    assert str(entry) in Path("/proc/self/maps").read_text(encoding="utf-8")
    assert len(domain) == 6


def test_writing_to_the_images_does_not_change_the_cache(root: Path) -> None:
    first = _load(root)
    before = first.images.clone()
    first.images.zero_()
    assert torch.equal(_load(root).images, before)


def test_a_changed_file_is_decoded_and_the_old_entry_goes(root: Path, tmp_path: Path) -> None:
    first = _load(root)
    picture(root / "one" / "cat" / "pic_000.jpg", seed=999)
    os.utime(root / "one" / "cat" / "pic_000.jpg", ns=(1, 1))
    second = _load(root)
    assert second.fingerprint != first.fingerprint
    assert len(_entries(tmp_path)) == 1


def test_the_fingerprint_is_of_the_content_not_of_the_place(root: Path, tmp_path: Path) -> None:
    other = make_tree(tmp_path / "elsewhere", ["one", "two"], ["cat", "dog"], each=3)
    assert _load(other).fingerprint == _load(root).fingerprint
    assert _load(root, "two").fingerprint != _load(root).fingerprint
    assert _load(root, size=8).fingerprint != _load(root).fingerprint


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "record.json", "held_out.npy"])
def test_a_damaged_entry_is_named_and_decoded_again(
    root: Path, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = _load(root)
    (entry,) = _entries(tmp_path)
    half = (entry / name).read_bytes()[:50]
    (entry / name).unlink()  # what is mapped stays as it is
    (entry / name).write_bytes(half)
    with caplog.at_level(logging.WARNING):
        again = _load(root)
    assert torch.equal(again.images, first.images)
    assert f"{entry} is damaged" in caplog.text


def test_unreadable_images_are_left_out_and_named(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = root / "one" / "dog" / "pic_001.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    with caplog.at_level(logging.WARNING):
        domain = _load(root)
    assert domain.labels.tolist() == [0, 0, 0, 1, 1]
    assert list(domain.unreadable or {}) == ["one/dog/pic_001.jpg"]
    assert "1 of 6 images of one cannot be read and are left out" in caplog.text
    kept = torch.from_numpy(read_picture(root / "one" / "dog" / "pic_002.jpg", 16))
    assert torch.equal(domain.images[4], kept.permute(2, 0, 1))


def test_a_domain_without_a_readable_image_is_an_error(root: Path, tmp_path: Path) -> None:
    for file in (root / "one").rglob("*.jpg"):
        file.write_bytes(b"")
    with pytest.raises(DataError, match="none of the 6 images of 'one' can be read"):
        _load(root)
    assert _entries(tmp_path) == []


def test_a_domain_without_an_image_is_an_error(root: Path) -> None:
    (root / "empty" / "cat").mkdir(parents=True)
    with pytest.raises(DataError, match="'empty' is no domain of folder; allowed: one"):
        _load(root, "empty")


def test_too_little_room_is_said_before_anything_is_decoded(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 100}))
    with pytest.raises(DataError, match=r"decoding 'one' needs 0\.0 GB .*choose a smaller"):
        _load(root)


def test_an_interrupted_decoding_leaves_no_entry(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cache, "decode_all", stop)
    with pytest.raises(KeyboardInterrupt):
        _load(root)
    left = [path for path in (tmp_path / "cache").rglob("*") if path.name != ".lock"]
    assert [path for path in left if path.is_file()] == []


def test_a_cache_that_cannot_be_written_is_named(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DGSEARCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="set DGSEARCH_CACHE to a folder that can be written"):
        _load(root)
