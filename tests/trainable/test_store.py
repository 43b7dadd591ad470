from __future__ import annotations

import errno
import io
import json
import logging
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from dgsearch.errors import ArtifactFolderError
from dgsearch.runner.stages import list_stages, prune_stages, verify_stages
from dgsearch.trainable import patience, tensor_files
from dgsearch.trainable import store as store_module
from dgsearch.trainable.store import Store
from dgsearch.trainable.tensor_files import write_tree
from tests.flipping import flipped_bits

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
    lease = store.leases.use("a")
    assert [entry.key for entry in store.prune(keep_bytes=0)] == ["b", "c"]
    store.leases.leave(lease)
    assert [entry.key for entry in store.prune(keep_bytes=0)] == ["a"]


def _flip(file: Path, place: int, bit: int = 0) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1 << bit
    file.write_bytes(content)


def _problems(store: Store) -> dict[str, str]:
    return {entry.key: entry.problem for entry in store.checked() if entry.problem}


def test_damaged_stages_are_found(tmp_path: Path) -> None:
    store = _filled(tmp_path)
    _flip(tmp_path / "b" / "product.safetensors", -1)
    (tmp_path / "c" / "record.json").unlink()
    assert _problems(store) == {
        "b": f"{tmp_path}/b/product.safetensors is damaged: its checksum does not fit its content",
        "c": "damaged: it has no record",
    }


def test_the_stage_of_another_key_is_not_accepted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = _filled(tmp_path)
    shutil.rmtree(tmp_path / "b")
    (tmp_path / "a").rename(tmp_path / "b")
    assert store.load("b") is None
    assert "it belongs to 'a', not to 'b'" in caplog.text


def test_the_product_of_another_stage_is_not_accepted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = _filled(tmp_path)
    product = "product.safetensors"
    (tmp_path / "a" / product).replace(tmp_path / "b" / product)
    assert store.load("b") is None
    assert "it belongs to 'a', not to 'b'" in caplog.text


def test_another_product_under_the_same_key_is_not_accepted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = _filled(tmp_path)
    write_tree(tmp_path / "b" / "product.safetensors", {"classifier": {}}, label="b")
    assert store.load("b") is None
    assert "it is not the file that its record describes" in caplog.text


def test_a_stage_of_the_first_version_is_still_read(tmp_path: Path) -> None:
    structure = '{"$items": [["classifier", {"$items": [["weight", {"$tensor": "t0"}]]}]]}'
    checksum = "602dd0661d5df9f14445c25371900384"
    metadata = {"format": "1", "structure": structure, "checksum": checksum}
    (tmp_path / "k").mkdir()
    save_file({"t0": torch.ones(2)}, tmp_path / "k" / "product.safetensors", metadata=metadata)
    (tmp_path / "k" / "record.json").write_text(json.dumps(RECORD))
    store = Store(tmp_path)
    loaded = store.load("k")
    assert loaded is not None
    assert loaded[1] == RECORD
    assert _problems(store) == {}


BAD_RECORDS = [
    b"\xff",
    b"[]",
    b"null",
    b'"x"',
    b"{}",
    b'{"stage": 1, "seconds": "x"}',
    b"[" * 9999,
]


@pytest.mark.parametrize("content", BAD_RECORDS)
def test_one_bad_record_stops_neither_list_nor_verify_nor_prune(
    tmp_path: Path, content: bytes
) -> None:
    store = _filled(tmp_path / "stages")
    (tmp_path / "stages" / "b" / "record.json").write_bytes(content)
    assert [line.split()[0] for line in list_stages(tmp_path)][:3].count("b") == 1
    lines, whole = verify_stages(tmp_path)
    assert not whole
    assert lines[-1] == "2 of 3 stored stages are whole"
    assert "deleted 3 stages" in next(prune_stages(tmp_path, keep_gb=0.0))
    assert store.listed() == []


def test_a_stage_without_its_record_is_made_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save("k", PRODUCT, RECORD)
    (tmp_path / "k" / "record.json").unlink()
    assert store.load("k") is None
    store.save("k", PRODUCT, RECORD)
    assert store.load("k") is not None


def _refuse(monkeypatch: pytest.MonkeyPatch, refused: Path, number: int) -> None:
    """Let the system refuse to open that file, as it does for another user's (root may all)."""
    opened = io.open

    def refusing(file: Any, *arguments: Any, **named: Any) -> Any:
        if str(file) == str(refused):
            raise OSError(number, os.strerror(number), str(file))
        return opened(file, *arguments, **named)

    monkeypatch.setattr(io, "open", refusing)


@pytest.mark.parametrize("name", ["product.safetensors", "record.json"])
def test_what_this_user_may_not_read_is_neither_damaged_nor_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    store = _filled(tmp_path / "stages")
    _refuse(monkeypatch, tmp_path / "stages" / "b" / name, errno.EACCES)
    with pytest.raises(ArtifactFolderError, match="is not accessible: Permission denied; ask its"):
        store.load("b")
    assert _problems(store) == {"b": "not readable: Permission denied"}
    lines, _ = verify_stages(tmp_path)
    assert lines[0] == "b  not readable: Permission denied; ask its owner for access"
    if name == "record.json":
        assert [entry.key for entry in store.prune(keep_bytes=0)] == ["a", "c"]


def test_files_and_folders_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        store = Store(tmp_path / "stages")
        lease = store.leases.use("k")
        store.save("k", PRODUCT, RECORD)
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
        store.leases.leave(lease)
    finally:
        os.umask(before)
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o775}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o664}
    assert len(modes) == 6


def test_a_full_disk_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [errno.ENOSPC, errno.ENOENT]
    save = store_module.write_tree

    def full(file: Path, tree: Any, *, label: str) -> str:
        if answers:
            number = answers.pop()
            raise OSError(number, os.strerror(number), str(file))
        return save(file, tree, label=label)

    monkeypatch.setattr(store_module, "write_tree", full)
    monkeypatch.setattr(patience, "_POLL_S", 0.01)
    Store(tmp_path).save("k", PRODUCT, RECORD)
    assert Store(tmp_path).load("k") is not None
    assert "waiting for it" in caplog.text


def test_a_disk_that_stays_full_is_named_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(tensors: Any, file: Path, metadata: Any) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(tensor_files, "save_file", full)
    monkeypatch.setenv("DGSEARCH_DISK_PATIENCE_S", "0.02")
    with pytest.raises(
        ArtifactFolderError, match=r"No space left on device \(waited for 0.02 s\)"
    ):
        Store(tmp_path).save("k", PRODUCT, RECORD)
    assert list(tmp_path.iterdir()) == []


def test_half_written_folders_are_shown_and_swept(tmp_path: Path) -> None:
    store = _filled(tmp_path / "stages")
    lease = store.leases.use("a")
    for key in ("a", "b", "c"):
        half = tmp_path / "stages" / f".{key}.0123abcd"
        half.mkdir()
        (half / "product.safetensors").write_bytes(b"12345")
        for path in (half / "product.safetensors", half):
            os.utime(path, (1e9, 1e9) if key != "c" else None)
    shown = list(list_stages(tmp_path))[3:-1]
    assert {line.split("  ")[0]: line.split("  ")[1] for line in shown} == {
        ".a.0123abcd": "half-written, being written or deleted",  # its stage is in use
        ".b.0123abcd": "half-written, left over",
        ".c.0123abcd": "half-written, being written or deleted",  # it was just written
    }
    assert next(prune_stages(tmp_path, keep_gb=1.0)) == "deleted 1 half-written folder, 0.0 MB"
    assert not (tmp_path / "stages" / ".b.0123abcd").exists()
    store.leases.leave(lease)


def test_no_flipped_bit_is_accepted_with_another_content(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    assert flipped_bits(tmp_path, 200, generator).accepted == 0
