"""Augmentation by name: checked, drawn image by image, part of a stage's key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision.transforms import v2

from dgsearch.errors import MethodError, StudyFileError
from dgsearch.methods.pipelines import TRANSFORMS, apply_pipeline, build_pipeline, check_pipeline
from dgsearch.methods.registry import catalogue, find_method
from dgsearch.study.loading import parse_study
from dgsearch.study.spec import StudySpec
from dgsearch.trainable.keys import prefix_ids
from dgsearch.trainable.reports import TrialJob
from dgsearch.trainable.trial import Trial

NEEDED: dict[str, dict[str, Any]] = {  # arguments that have no default
    "CenterCrop": {"size": 32},
    "GaussianBlur": {"kernel_size": 3},
    "Pad": {"padding": 2},
    "RandomAdjustSharpness": {"sharpness_factor": 2.0},
    "RandomAffine": {"degrees": 10},
    "RandomApply": {"transforms": [{"name": "RandomInvert"}]},
    "RandomChoice": {"transforms": [{"name": "RandomInvert"}]},
    "RandomCrop": {"size": 32, "padding": 2},
    "RandomOrder": {"transforms": [{"name": "RandomInvert"}]},
    "RandomPosterize": {"bits": 3},
    "RandomResizedCrop": {"size": 32},
    "RandomRotation": {"degrees": 10},
    "RandomSolarize": {"threshold": 0.5},
    "Resize": {"size": 32},
}


def _text(*steps: dict[str, Any]) -> str:
    return json.dumps(steps)


def _random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_that_is_named_makes_images(name: str) -> None:
    last = {"name": "Resize", "size": [32, 32]}
    colours = {"name": "Grayscale", "num_output_channels": 3}
    step = {"name": name, **NEEDED.get(name, {})}
    pipeline = build_pipeline(_text(step, colours, last), 32)
    images = torch.rand(2, 3, 32, 32, generator=_random())
    made = apply_pipeline(pipeline, images, _random())
    assert made.shape == images.shape
    assert 0 <= float(made.min()) <= float(made.max()) <= 1


def test_each_image_has_draws_of_its_own() -> None:
    pipeline = build_pipeline(_text({"name": "RandomHorizontalFlip"}), 8)
    images = torch.rand(1, 3, 8, 8, generator=_random()).expand(64, 3, 8, 8)
    made = apply_pipeline(pipeline, images, _random())
    flipped = (made == images.flip(-1)).flatten(1).all(dim=1)
    assert 16 < int(flipped.sum()) < 48  # of 64 at p = 1/2; fewer or more has p < 1e-4
    assert torch.equal(made[~flipped], images[~flipped])


def test_it_is_what_torchvision_makes_of_each_image() -> None:
    steps = {"name": "RandomRotation", "degrees": [10, 80], "interpolation": "bilinear"}
    images = torch.rand(3, 3, 8, 8, generator=_random())
    made = apply_pipeline(build_pipeline(_text(steps), 8), images, _random(7))
    torch.manual_seed(int(torch.randint(2**62, (), generator=_random(7))))
    rotation = v2.RandomRotation([10, 80], interpolation=v2.InterpolationMode.BILINEAR)
    assert torch.equal(made, torch.stack([rotation(image) for image in images]).clamp(0, 1))


def test_torchs_own_random_numbers_go_on_as_if_nothing_had_been_drawn() -> None:
    pipeline = build_pipeline(_text({"name": "RandomHorizontalFlip"}), 8)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    apply_pipeline(pipeline, torch.zeros(2, 3, 8, 8), _random())
    assert torch.equal(torch.rand(4), expected)


def test_images_of_another_size_are_refused_with_the_remedy() -> None:
    with pytest.raises(MethodError, match=r"makes \(3, 6, 6\) of an image \(3, 8, 8\); end it"):
        build_pipeline(_text({"name": "CenterCrop", "size": 6}), 8)


def test_what_fails_on_an_image_is_said() -> None:
    with pytest.raises(MethodError, match="augmentation: fails on images of 8 pixels: Required"):
        build_pipeline(_text({"name": "RandomCrop", "size": 16}), 8)


@pytest.mark.parametrize("text", ["flop", "{}", "[]", '["RandomInvert"]'])
def test_a_text_that_is_no_pipeline_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be|is no list"):
        check_pipeline(text)


def _study(*steps: dict[str, Any], **changes: Any) -> StudySpec:
    raw: dict[str, Any] = {
        "name": "views",
        "method": "erm",
        "seeds": [0],
        "data": {"benchmark": "digits-mini", "source": ["scan"], "targets": ["photo"]},
        "design": {"kind": "grid", "vary": {"lr": [1e-3]}},
        "augmentation": list(steps),
        **changes,
    }
    return parse_study(raw, catalogue(), file="s.toml")


def test_every_problem_of_the_section_is_named_at_once() -> None:
    with pytest.raises(StudyFileError) as caught:
        _study(
            {"name": "ColourJitter"},
            {"name": "ColorJitter", "brightnes": 1},
            {"name": "RandomCrop"},
            {"name": "RandomInvert", "p": 2},
            {"name": "RandomRotation", "degrees": 9, "interpolation": "cubic"},
            {"name": "RandomApply", "transforms": [{"name": "RandomInvert", "q": 1}]},
        )
    said = str(caught.value)
    for part in (
        "augmentation[0].name = 'ColourJitter': no such transform; allowed: AugMix",
        "augmentation[1].brightnes: ColorJitter has no such argument; allowed: brightness",
        "augmentation[2].size: is missing; RandomCrop needs it",
        "augmentation[3]: RandomInvert: `p` should be a floating point value in",
        "augmentation[4].interpolation = 'cubic': allowed: nearest",
        "augmentation[5].transforms[0].q: RandomInvert has no such argument",
    ):
        assert part in said


def test_the_hyperparameter_and_the_section_together_are_refused() -> None:
    with pytest.raises(StudyFileError, match=r"hyperparameters.augment: is set by the section"):
        _study({"name": "RandomInvert"}, hyperparameters={"augment": "flip"})


def test_the_pipeline_is_part_of_a_stages_key() -> None:
    def keys(spec: StudySpec) -> dict[str, str]:
        method = find_method("erm")
        values = method.space.resolve(spec.hyperparameters)
        return prefix_ids(method.stages(values), values, seed=0)

    step = {"name": "RandomCrop", "size": 32, "padding": 4}
    first = keys(_study(step))
    assert first == keys(_study(dict(reversed(step.items()))))
    other = keys(_study({**step, "padding": 2}))
    assert first["pretrain"] != other["pretrain"]


@pytest.mark.slow
def test_a_trial_trains_on_it(tmp_path: Path) -> None:
    spec = _study({"name": "RandomCrop", "size": 32, "padding": 4}, {"name": "RandomInvert"})
    own = {"epochs": 1, "pretrain_epochs": 1}
    values = find_method("erm").space.resolve({**spec.hyperparameters, **own})
    data = spec.data.model_copy(update={"validation": 0.9})
    job = TrialJob("views", 0, "erm", values, 0, data, str(tmp_path))
    first = [report.value for report in Trial(job, torch.device("cpu")).reports()]
    again = TrialJob("views", 1, "erm", values, 0, data, str(tmp_path), share=False)
    assert [report.value for report in Trial(again, torch.device("cpu")).reports()] == first
