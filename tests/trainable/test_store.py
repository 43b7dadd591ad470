from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
import torch

from dgsearch.trainable.store import Store

PRODUCT = {"classifier": {"weight": torch.ones(2)}}
RECORD = {"stage": "pretrain", "seconds": 1.5}


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    store = Store(tmp_path / "stages")
    assert store.load("k") is None
    store.save("k", PRODUCT, RECORD)
    loaded = store.load("k")
    assert loaded is not None
    assert torch.equal(loaded[0]["classifier"]["weight"], torch.ones(2))
    assert loaded[1] == RECORD


def test_the_first_product_under_a_key_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save("k", PRODUCT, RECORD)
    store.save("k", {"classifier": {}}, {"seconds": 9.0})
    loaded = store.load("k")
    assert loaded is not None
    assert loaded[1]["seconds"] == 1.5
    assert [path.name for path in tmp_path.iterdir()] == ["k"]


@pytest.mark.parametrize("file", ["product.safetensors", "record.json"])
def test_a_damaged_product_is_named_dropped_and_can_be_made_again(
    tmp_path: Path, file: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path)
    store.save("k", PRODUCT, RECORD)
    (tmp_path / "k" / file).write_bytes(b"{broken")
    with caplog.at_level(logging.WARNING):
        assert store.load("k") is None
    assert "dropped and trained again" in caplog.text
    assert list(tmp_path.iterdir()) == []
    store.save("k", PRODUCT, RECORD)
    assert store.load("k") is not None


def test_a_folder_without_its_product_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "k").mkdir()
    assert Store(tmp_path).load("k") is None


def _filled(folder: Path) -> Store:
    """Three stages of the same size, a the least recently used."""
    store = Store(folder)
    for age, key in ((30, "a"), (20, "b"), (10, "c")):
        store.save(key, PRODUCT, RECORD)
        record = folder / key / "record.json"
        then = record.stat().st_mtime - age
        os.utime(record, (then, then))
    return store


def test_the_least_recently_used_stages_go_first(tmp_path: Path) -> None:
    store = _filled(tmp_path)
    size = store.listed()[0].bytes
    assert [entry.key for entry in store.listed()] == ["a", "b", "c"]
    assert store.load("a") is not None  # reading it makes it the most recently used
    assert [entry.key for entry in store.prune(keep_bytes=2 * size)] == ["b"]
    assert [entry.key for entry in store.listed()] == ["c", "a"]


def test_a_stage_in_use_is_never_deleted(tmp_path: Path) -> None:
    store = _filled(tmp_path)
    mark = store.marks.use("a")
    assert [entry.key for entry in store.prune(keep_bytes=0)] == ["b", "c"]
    store.marks.leave(mark)
    assert [entry.key for entry in store.prune(keep_bytes=0)] == ["a"]


def test_damaged_stages_are_found(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = _filled(tmp_path)
    file = tmp_path / "b" / "product.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert store.damaged() == ["b"]
    assert "its checksum does not fit" in caplog.text
