"""Saved data sets of Hugging Face's format, and benchmarks of any Python objects."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from dgsearch.data.benchmark import DataPlace
from dgsearch.data.folder import folder_benchmark
from dgsearch.data.items import items_benchmark, picture_of
from dgsearch.errors import DataError

CLASSES = {"_type": "ClassLabel", "names": ["cat", "dog"]}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGSEARCH_CACHE", str(tmp_path / "cache"))


def _png(level: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (10, 10), (level, level, level)).save(buffer, format="PNG")
    return buffer.getvalue()


def _save(
    folder: Path, levels: list[int], columns: dict[str, Any], features: dict[str, Any]
) -> None:
    """A split as `Dataset.save_to_disk` of datasets 4 writes it."""
    folder.mkdir(parents=True)
    table = pa.table({"image": [{"bytes": _png(n), "path": None} for n in levels], **columns})
    file = pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb")
    with file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}
    (folder / "state.json").write_text(json.dumps(state))
    info = {"features": {"image": {"_type": "Image"}, **features}}
    (folder / "dataset_info.json").write_text(json.dumps(info))


def test_splits_are_the_domains_where_no_column_names_them(tmp_path: Path) -> None:
    for name, level in (("photo", 10), ("sketch", 200)):
        _save(tmp_path / "d" / name, [level, level + 1], {"label": [1, 0]}, {"label": CLASSES})
    found = folder_benchmark(DataPlace(tmp_path / "d", 8))
    assert (found.domains, found.labels) == (("photo", "sketch"), ("cat", "dog"))
    domain = found.load("sketch")
    assert domain.images.shape == (2, 3, 8, 8)
    assert domain.images[:, 0, 0, 0].tolist() == [200, 201]
    assert domain.labels.tolist() == [1, 0]


def test_a_column_divides_the_images_and_a_split_for_tests_is_held_out(tmp_path: Path) -> None:
    text = {"_type": "Value", "dtype": "string"}
    features = {"label": CLASSES, "domain": text}
    for name, first in (("train", 0), ("test", 100)):
        columns = {"label": [0, 1, 1], "domain": ["art", "photo", "art"]}
        _save(tmp_path / "d" / name, [first, first + 1, first + 2], columns, features)
    art = folder_benchmark(DataPlace(tmp_path / "d", 8)).load("art")
    assert art.images[:, 0, 0, 0].tolist() == [100, 102, 0, 2]  # test/ stands before train/
    assert art.held_out is not None
    assert art.held_out.tolist() == [True, True, False, False]


def test_parts_of_one_domain_are_asked_about(tmp_path: Path) -> None:
    for name in ("train", "test"):
        _save(tmp_path / "d" / name, [1], {"label": [0]}, {"label": CLASSES})
    with pytest.raises(DataError, match=r"what are its domains\? Its splits are test, train"):
        folder_benchmark(DataPlace(tmp_path / "d", 8))


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    value = {"_type": "Value", "dtype": "int64"}
    for name in ("a", "b"):
        _save(tmp_path / "d" / name, [1], {"size": [0]}, {"size": value})
    with pytest.raises(DataError, match=r"needs a column of classes.* image \(Image\), size"):
        folder_benchmark(DataPlace(tmp_path / "d", 8))


class _Pictures:
    """Items as any package may have them."""

    def __init__(self, kind: str, last: int = 1) -> None:
        self.kind, self.last = kind, last

    def __len__(self) -> int:
        return 2

    def __getitem__(self, number: int) -> tuple[Any, int]:
        level = 50 * (number + 1)
        array = np.full((6, 6, 3), level, np.uint8)
        images = {
            "array": array,
            "picture": Image.fromarray(array),
            "bytes": _png(level),
            "grey": array[:, :, 0],
            "tensor": torch.from_numpy(array).permute(2, 0, 1),
            "float": torch.full((3, 6, 6), level / 255),
        }
        return images[self.kind], (0, self.last)[number]


@pytest.mark.parametrize("kind", ["array", "picture", "bytes", "grey", "tensor", "float"])
def test_items_of_every_kind_become_images(kind: str) -> None:
    place = DataPlace(None, 8)
    made = items_benchmark(
        "mine", {"day": _Pictures(kind)}, labels=("cat", "dog"), identity=kind, place=place
    )
    domain = made.load("day")
    assert domain.images[:, :, 3, 3].tolist() == [[50] * 3, [100] * 3]
    assert domain.labels.tolist() == [0, 1]


def test_a_class_that_is_not_named_is_refused() -> None:
    made = items_benchmark("mine", {"day": _Pictures("array", 7)}, labels=("a",), identity="1")
    with pytest.raises(DataError, match="item 1 of 'day' has the class 7; the classes are 0 to 0"):
        made.load("day")


def test_what_is_no_picture_says_what_it_is() -> None:
    with pytest.raises(DataError, match="is float64"):
        picture_of(np.zeros((4, 4)), 8)
    with pytest.raises(DataError, match="is list, no picture"):
        picture_of([1], 8)
