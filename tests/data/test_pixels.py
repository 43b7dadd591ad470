from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from dgsearch.data import batches
from dgsearch.data.batches import BytePixels, FloatPixels, Gallery
from dgsearch.data.splits import TrialData, load_trial_data
from dgsearch.study import DataSpec
from tests.data.made import make_domainnet, make_tree

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGSEARCH_CACHE", str(tmp_path / "cache"))


def _parts() -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    return [
        torch.randint(0, 256, (count, 3, 4, 4), generator=random, dtype=torch.uint8)
        for count in (5, 1, 7)
    ]


def test_a_gallery_counts_through_its_parts() -> None:
    parts = _parts()
    rows = torch.tensor([12, 0, 5, 4, 5, 6])
    expected = torch.cat(parts)[rows]
    gallery = Gallery(parts)
    assert len(gallery) == 13
    assert gallery.num_bytes == 13 * 48
    assert torch.equal(gallery.gather(rows), expected)
    assert torch.equal(gallery.to(CPU).gather(rows), expected)


@pytest.mark.parametrize("form", [torch.channels_last, torch.contiguous_format])
def test_bytes_and_floats_give_the_same_numbers(form: torch.memory_format) -> None:
    parts, rows = _parts(), torch.tensor([3, 11, 5, 0, 8])
    as_float = FloatPixels(torch.cat(parts)[rows], CPU, form)
    as_bytes = BytePixels(Gallery(parts), rows, CPU, form)
    index = torch.tensor([4, 0, 0, 2])
    for found, expected in (
        (as_bytes.take(index), as_float.take(index)),
        (as_bytes.span(1, 4), as_float.span(1, 4)),
    ):
        assert torch.equal(found, expected)
        assert found.is_contiguous(memory_format=form)
        assert float(found.max()) <= 1
    assert len(as_bytes) == len(as_float) == 5


def _load(root: Path, source: Sequence[str], target: str, **options: object) -> TrialData:
    spec = DataSpec(
        benchmark="folder",
        source=tuple(source),
        targets=(target,),
        root=str(root),
        image_size=8,
        student_images=4,
        student_validation=2,
        validation=0.25,
    )
    return load_trial_data(spec, seed=0, device=CPU, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("one_target", [False, True])
def test_a_trial_sees_the_same_data_whether_it_fits_as_float_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_target: bool
) -> None:
    root = make_tree(tmp_path / "d", ["a", "b", "c"], ["x", "y"], each=4)
    small = _load(root, ["a", "b"], "c", one_target=one_target)
    monkeypatch.setattr(batches, "_fits_as_float", lambda _: False)
    large = _load(root, ["a", "b"], "c", one_target=one_target)
    assert small.fingerprint == large.fingerprint
    for name, split in small.splits.items():
        random = [torch.Generator().manual_seed(1) for _ in range(2)]
        other_split = large.splits[name]
        pairs = [
            *zip(split.batches(3, random[0]), other_split.batches(3, random[1]), strict=True),
            *zip(split.in_order(3), other_split.in_order(3), strict=True),
        ]
        for one, other in pairs:
            assert torch.equal(one.images, other.images)
            assert torch.equal(one.labels, other.labels)


def test_several_sources_are_divided_together(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "d", ["a", "b", "c"], ["x", "y"], each=4)
    data = _load(root, ["a", "b"], "c")
    sizes = {name: len(split) for name, split in data.splits.items()}
    assert sizes == {"source/train": 12, "source/validation": 4, "target/test/c": 8}
    rows = data.rows["source/train"]
    assert rows.domains == ("a", "b")
    held_out = data.rows["source/validation"].rows
    assert sorted(torch.cat([rows.rows, held_out]).tolist()) == list(range(16))


def test_the_seed_divides_the_target_for_a_student_on_its_own(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "d", ["a", "c"], ["x", "y"], each=5)
    data = _load(root, ["a"], "c", one_target=True)
    parts = [data.rows[f"target/{name}"].rows for name in ("train", "validation", "test/c")]
    assert [len(part) for part in parts] == [4, 2, 4]
    assert sorted(torch.cat(parts).tolist()) == list(range(10))


def test_an_official_division_is_kept_on_both_sides(tmp_path: Path) -> None:
    root = make_domainnet(tmp_path / "d", ["real", "sketch"])
    spec = DataSpec(
        benchmark="domainnet",
        source=("real",),
        targets=("sketch",),
        root=str(root),
        image_size=8,
        student_images=5,
        student_validation=4,
    )
    data = load_trial_data(spec, seed=0, device=CPU)
    trained = torch.cat([data.rows[f"source/{name}"].rows for name in ("train", "validation")])
    assert sorted(trained.tolist()) == list(range(9))  # the lists hold 9 for training
    assert data.rows["target/test/sketch"].rows.tolist() == [9, 10, 11]
    student = load_trial_data(spec, seed=0, device=CPU, one_target=True)
    kept = [student.rows[f"target/{name}"].rows for name in ("train", "validation")]
    assert sorted(torch.cat(kept).tolist()) == list(range(9))
    assert student.rows["target/test/sketch"].rows.tolist() == [9, 10, 11]


def test_a_class_that_the_source_lacks_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = make_tree(tmp_path / "d", ["a"], ["x", "y"], each=4)
    make_tree(root, ["c"], ["x", "z"], each=4)
    warnings = _load(root, ["a"], "c").warnings
    assert warnings == (
        "a has no image of 1 of the 3 classes (z); no method can learn to recognise them, and "
        "their images in c count as errors",
        "c has no image of 1 of the 3 classes (y); its accuracy is that of the other 1 class",
    )
    assert all(f"folder: {warning}" in caplog.text for warning in warnings)


def test_without_a_source_a_class_that_the_target_lacks_is_warned_of(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "d", ["a"], ["x", "y"], each=4)
    make_tree(root, ["c"], ["x", "z"], each=12)
    spec = DataSpec(
        benchmark="folder", source=(), targets=("c",), root=str(root), image_size=8,
        student_images=6, student_validation=4,
    )  # fmt: skip
    found = load_trial_data(spec, seed=0, device=CPU, one_target=True).warnings
    assert found == (
        "c has no image of 1 of the 3 classes (y); its accuracy is that of the other 2 classes",
    )
