from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from dgsearch.data.batches import Split
from dgsearch.methods.erm import ERM
from dgsearch.study import DataSpec
from dgsearch.study.families import FAMILIES
from dgsearch.trainable.augmented import IMAGES, augmented_split, family_scores, transformed
from dgsearch.trainable.evaluation import Score, augmented_value
from dgsearch.trainable.reports import EpochReport, TrialJob
from dgsearch.trainable.trial import Trial

CPU = torch.device("cpu")


def _split(count: int = 20, side: int = 16) -> Split:
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, side, side), generator=random).byte()
    return Split(images, torch.arange(count) % 2, CPU)


def _images() -> Tensor:
    return _split().images.contiguous()


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_changes_images_and_keeps_their_shape_and_range(family: str) -> None:
    images = _images()
    changed = transformed(images, family, seed=0)
    assert changed.shape == images.shape
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert (changed - images).abs().mean() > 0.01


@pytest.mark.parametrize("family", FAMILIES)
def test_an_image_looks_the_same_each_time(family: str) -> None:
    torch.manual_seed(1)
    first = transformed(_images(), family, seed=3)
    torch.manual_seed(2)  # global numbers have no part in it
    assert torch.equal(first, transformed(_images(), family, seed=3))


def test_brightness_is_a_power_of_each_pixel() -> None:
    images = torch.full((4, 3, 4, 4), 0.5)
    found = transformed(images, "brightness", seed=0)[:, 0, 0, 0]
    # .5 to the powers .4, .65, 1.6 and 2.5
    assert found.tolist() == pytest.approx([0.757858, 0.637280, 0.329877, 0.176777], abs=1e-6)


def test_contrast_moves_pixels_from_the_mean_of_their_image() -> None:
    images = torch.tensor([0.2, 0.6]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    found = transformed(images, "contrast", seed=0)[0, 0, 0]
    assert found.tolist() == pytest.approx([0.34, 0.46])  # .4 -+ .3 * .2


def test_solarise_begins_with_the_whole_negative() -> None:
    images = torch.tensor([0.0, 0.3, 1.0]).view(1, 1, 1, 3).expand(1, 3, 1, 3)
    assert transformed(images, "solarise", seed=0)[0, 0, 0].tolist() == pytest.approx([1, 0.7, 0])


def test_posterise_begins_with_two_levels() -> None:
    images = torch.tensor([0.1, 0.49, 0.51]).view(1, 1, 1, 3).expand(1, 3, 1, 3)
    assert transformed(images, "posterise", seed=0)[0, 0, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize("family", ["blur", "pixelate", "perspective"])
def test_an_image_of_one_grey_stays_it_in_its_middle(family: str) -> None:
    images = torch.full((4, 3, 16, 16), 0.25)
    found = transformed(images, family, seed=0)[:, :, 6:10, 6:10]
    assert torch.allclose(found, torch.tensor(0.25), atol=1e-6)


def test_a_step_of_height_one_has_an_edge_of_one() -> None:
    images = torch.zeros(1, 3, 6, 6)
    images[..., 3:] = 1
    found = transformed(images, "edges", seed=0)[0, 0, 2]
    assert found.tolist() == [0, 0, 1, 1, 0, 0]  # Sobel divided by 4, on both sides of the step


def test_a_hidden_rectangle_is_grey_and_nothing_else_changes() -> None:
    images = torch.zeros(50, 3, 20, 20)
    hidden = transformed(images, "occlusion", seed=0) == 0.5
    share = hidden.float().mean(dim=(1, 2, 3))
    assert share.min() >= 0.06  # .3 * .3 of the image, less what falls between pixels
    assert share.max() <= 0.27
    assert (transformed(images, "occlusion", seed=0)[~hidden] == 0).all()


def test_the_images_are_a_part_of_the_split_with_their_labels() -> None:
    augmented = augmented_split(_split(300), seed=0)
    assert augmented.images.shape == (len(FAMILIES), IMAGES, 3, 16, 16)
    assert augmented.images.dtype == torch.uint8
    assert len(augmented.labels) == IMAGES
    other = augmented_split(_split(300), seed=1)
    assert not torch.equal(augmented.images, other.images)


def test_large_images_are_fewer() -> None:
    augmented = augmented_split(_split(60, side=300), seed=0)
    assert augmented.images.shape[1] == 16  # 64 MB hold 16 of 300 x 300 pixels in 14 families
    assert augmented.images.numel() <= 64_000_000


class _Bright(nn.Module):
    """Class 1 where the mean is above a half."""

    def forward(self, images: Tensor) -> Tensor:
        mean = images.mean(dim=(1, 2, 3))
        return torch.stack([torch.full_like(mean, 0.5), mean], dim=1)


def test_each_family_has_the_share_of_images_that_are_right_under_it() -> None:
    images = torch.full((8, 3, 16, 16), 200, dtype=torch.uint8)
    augmented = augmented_split(Split(images, torch.ones(8).long(), CPU), seed=0)
    scores = family_scores(_Bright(), augmented, metric="accuracy", num_classes=2)
    found = {score.domain: score.value for score in scores}
    assert [score.split for score in scores] == ["augmented"] * len(FAMILIES)
    assert list(found) == list(FAMILIES)
    assert found["blur"] == 1  # still 200 of 255
    assert found["edges"] == 0  # black: there is no edge
    assert found["solarise"] == 0  # the negative, whatever the threshold up to .75


def test_the_value_is_the_mean_over_the_families_that_count() -> None:
    scores = [
        Score("validation", "scan", "accuracy", 1.0),
        Score("augmented", "blur", "accuracy", 0.8),
        Score("augmented", "noise", "accuracy", 0.4),
        Score("augmented", "edges", "accuracy", 0.0),
    ]
    assert augmented_value(scores, ("blur", "noise")) == pytest.approx(0.6)


def _reports(folder: Path, **changes: object) -> list[EpochReport]:
    data = DataSpec(benchmark="digits-mini", source=("scan",), targets=("photo",), validation=0.9)
    values = ERM.space.resolve({"epochs": 2, "pretrain_epochs": 1})
    job = TrialJob("study", 0, "erm", values, 0, data, str(folder))
    reports = Trial(replace(job, **changes), CPU).reports()  # type: ignore[arg-type]
    return [report for report in reports if report.last]


@pytest.mark.slow
def test_without_the_rule_the_families_are_scored_after_the_last_epoch(tmp_path: Path) -> None:
    first, last = _reports(tmp_path)
    assert not [score for score in first.scores if score.split == "augmented"]
    assert len([score for score in last.scores if score.split == "augmented"]) == len(FAMILIES)


@pytest.mark.slow
def test_by_the_rule_each_epoch_is_worth_its_mean_over_families(tmp_path: Path) -> None:
    counted = ("blur", "edges", "noise")
    reports = _reports(tmp_path, selection="augmented", families=counted)
    for report in reports:
        own = [score for score in report.scores if score.split == "augmented"]
        values = [score.value for score in own if score.domain in counted]
        assert report.value == pytest.approx(sum(values) / 3)
    assert reports[-1].correct or reports[0].correct
