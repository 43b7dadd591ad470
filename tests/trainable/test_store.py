from __future__ import annotations

import logging
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
