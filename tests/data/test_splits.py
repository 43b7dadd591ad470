from __future__ import annotations

import pytest
import torch

from dgsearch.data.batches import Split
from dgsearch.data.benchmark import Domain
from dgsearch.data.splits import load_trial_data
from dgsearch.errors import DataError
from dgsearch.study import DataSpec

CPU = torch.device("cpu")
SPEC = DataSpec(benchmark="digits-mini", source=("scan",), targets=("photo", "street"))


def _split(count: int = 10) -> Split:
    images = torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(count, 3, 4, 4)
    return Split(images.contiguous(), torch.arange(count), CPU)


def test_a_pass_yields_every_image_once_with_its_label() -> None:
    batches = list(_split().batches(4, torch.Generator().manual_seed(0)))
    assert [len(batch) for batch in batches] == [4, 4, 2]
    labels = torch.cat([batch.labels for batch in batches])
    assert sorted(labels.tolist()) == list(range(10))
    shown = torch.cat([batch.images[:, 0, 0, 0] for batch in batches])
    torch.testing.assert_close(shown, labels / 255)


def test_the_order_depends_on_the_generator_alone() -> None:
    first, second = (
        [batch.labels.tolist() for batch in _split().batches(4, torch.Generator().manual_seed(7))]
        for _ in range(2)
    )
    assert first == second


def test_in_order_keeps_the_stored_order() -> None:
    labels = [batch.labels.tolist() for batch in _split().in_order(6)]
    assert labels == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9]]


def test_the_source_is_divided_without_overlap() -> None:
    data = load_trial_data(SPEC, seed=0, device=CPU)
    train, validation = data.splits["source/train"], data.splits["source/validation"]
    assert (len(train), len(validation)) == (958, 239)
    seen = {image.numpy().tobytes() for image in train.images}
    assert not seen & {image.numpy().tobytes() for image in validation.images}


def test_another_seed_divides_otherwise_but_leaves_the_targets() -> None:
    first, second = (load_trial_data(SPEC, seed=seed, device=CPU) for seed in (0, 1))
    assert first.splits["source/train"].fingerprint != second.splits["source/train"].fingerprint
    name = "target/test/photo"
    assert first.splits[name].fingerprint == second.splits[name].fingerprint


def test_redrawing_gives_each_seed_its_own_targets() -> None:
    spec = SPEC.model_copy(update={"redraw": True})
    first, second = (load_trial_data(spec, seed=seed, device=CPU) for seed in (0, 1))
    name = "target/test/photo"
    assert first.splits[name].fingerprint != second.splits[name].fingerprint
    assert first.fingerprint != second.fingerprint


def test_a_split_that_was_not_declared_cannot_be_read() -> None:
    data = load_trial_data(SPEC, seed=0, device=CPU)
    declared = data.only(("source/train",), reader="pretrain")
    with pytest.raises(DataError, match=r"stage 'pretrain' read the split 'target/test/photo'"):
        _ = declared["target/test/photo"]


def test_a_share_that_leaves_nothing_is_an_error() -> None:
    spec = SPEC.model_copy(update={"validation": 0.9999})
    with pytest.raises(DataError, match=r"data\.validation = 0\.9999: leaves 0 of 1197"):
        load_trial_data(spec, seed=0, device=CPU)


@pytest.mark.parametrize(
    "images", [torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, dtype=torch.uint8)]
)
def test_a_domain_insists_on_its_type(images: torch.Tensor) -> None:
    with pytest.raises(DataError, match="images must be uint8"):
        Domain(images, torch.zeros(2, dtype=torch.int64))


def test_a_domain_insists_on_a_label_an_image() -> None:
    with pytest.raises(DataError, match="2 images but 3 labels"):
        Domain(torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64))


def test_a_student_gets_disjoint_parts_of_its_domain() -> None:
    spec = SPEC.model_copy(update={"targets": ("photo",)})
    data = load_trial_data(spec, seed=0, device=CPU, one_target=True)
    parts = [data.splits[f"target/{name}"] for name in ("train", "validation", "test/photo")]
    assert [len(part) for part in parts] == [100, 100, 400]
    seen = [{image.numpy().tobytes() for image in part.images} for part in parts]
    assert not seen[0] & seen[1]
    assert not seen[2] & (seen[0] | seen[1])


def test_a_student_that_leaves_nothing_to_test_is_an_error() -> None:
    spec = SPEC.model_copy(update={"targets": ("photo",), "student_images": 500})
    with pytest.raises(DataError, match=r"data\.student_images = 500 .* leave no image of photo"):
        load_trial_data(spec, seed=0, device=CPU, one_target=True)
