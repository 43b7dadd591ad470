"""A teacher that somebody else trained: read safely, matched by name, asked in its own terms."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from dgsearch.errors import MethodError, StudyFileError
from dgsearch.methods.augkd.given import build_given
from dgsearch.methods.registry import catalogue, find_method
from dgsearch.study.loading import parse_study
from dgsearch.study.teacher import TeacherSpec
from dgsearch.trainable.reports import EpochReport, TrialJob
from dgsearch.trainable.trial import Trial

CPU = torch.device("cpu")
LABELS = ("cat", "dog", "cow")
OWN = """
import torch
from torch import nn

class Means(nn.Module):
    # logits: mean pixel of each quarter of the columns, times a weight
    def __init__(self, in_channels, image_size):
        super().__init__()
        self.size, self.channels = image_size, in_channels
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, images):
        if images.shape[1:] != (self.channels, self.size, self.size):
            raise ValueError("another shape")
        return images.mean(dim=(1, 2)).unflatten(1, (4, -1)).mean(dim=2) * self.scale
"""


@pytest.fixture(autouse=True)
def _own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_means.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_means", raising=False)


def _spec(**changes: Any) -> str:
    known: dict[str, Any] = {
        "file": "t.pth",
        "network": "own_means:Means",
        "classes": ["cow", "Dog", "zebra", "cat"],
        "normalise": "none",
        "image_size": 8,
    }
    return TeacherSpec.model_validate({**known, **changes}).model_dump_json()


def _state() -> dict[str, Tensor]:
    return {"scale": torch.tensor([1.0, 2.0, 3.0, 4.0])}


def _columns() -> Tensor:
    """An image whose four quarters are 0.1, 0.2, 0.3 and 0.4."""
    return torch.tensor([0.1, 0.2, 0.3, 0.4]).repeat_interleave(2).expand(1, 3, 8, 8)


def test_outputs_are_matched_to_the_students_classes_by_name() -> None:
    teacher = build_given(_spec(), _state(), labels=LABELS, image_size=8)
    # its outputs are .1*1, .2*2, .3*3, .4*4 for cow, dog, zebra, cat
    torch.testing.assert_close(teacher(_columns()), torch.tensor([[1.6, 0.4, 0.1]]))
    assert not teacher.training
    assert not any(weight.requires_grad for weight in teacher.parameters())


def test_classes_that_the_teacher_lacks_are_named() -> None:
    with pytest.raises(MethodError, match=r"teacher.classes: have no fox of the data's 2 classes"):
        build_given(_spec(), _state(), labels=("cat", "fox"), image_size=8)


def test_a_teacher_of_one_channel_sees_grey_images_of_its_size() -> None:
    spec = _spec(channels=1, image_size=4)
    teacher = build_given(spec, _state(), labels=LABELS, image_size=8)
    red = torch.zeros(1, 3, 8, 8)
    red[:, 0] = 1.0
    grey = 0.299  # of pure red, ITU-R 601-2
    torch.testing.assert_close(teacher(red), grey * torch.tensor([[4.0, 2.0, 1.0]]))


def test_mean_and_deviation_normalise_its_pixels() -> None:
    spec = _spec(normalise="own", mean=[0.1] * 3, deviation=[0.1] * 3)
    teacher = build_given(spec, _state(), labels=LABELS, image_size=8)
    torch.testing.assert_close(teacher(_columns()), torch.tensor([[12.0, 2.0, 0.0]]))


def test_a_gradient_reaches_the_images_and_no_weight() -> None:
    images = _columns().clone().requires_grad_()
    teacher = build_given(_spec(), _state(), labels=LABELS, image_size=8)
    teacher(images).sum().backward()
    assert images.grad is not None
    assert bool(images.grad.any())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"classes": ["a", "b"]},
            r"teacher.classes: 2 names, but own_means:Means maps .* \(2, 4\)",
        ),
        ({"network": "own_means:Gone"}, "teacher.network = .*has no attribute 'Gone'"),
    ],
)
def test_a_description_that_does_not_fit_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MethodError, match=message):
        build_given(_spec(**changes), _state(), labels=(), image_size=8)


def test_weights_of_another_network_are_named() -> None:
    with pytest.raises(MethodError, match=r"teacher.file = 't.pth': these are not weights of own"):
        build_given(_spec(), {"other": torch.ones(4)}, labels=LABELS, image_size=8)


def _study(teacher: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    study: dict[str, Any] = {
        "name": "given",
        "method": "kd",
        "seeds": [0],
        "data": {"benchmark": "digits-mini", "targets": ["photo"]},
        "design": {"kind": "grid", "vary": {"lr": [1e-3]}},
        **changes,
    }
    return study if teacher is None else {**study, "teacher": teacher}


def _section(file: Path, **changes: Any) -> dict[str, Any]:
    return {"file": str(file), "network": "own_means:Means", "classes": list("abcd"), **changes}


def test_a_study_with_a_teacher_needs_no_source(tmp_path: Path) -> None:
    torch.save(_state(), tmp_path / "t.pth")
    spec = parse_study(_study(_section(tmp_path / "t.pth")), catalogue(), file="s.toml")
    assert spec.data.source == ()
    assert spec.teacher is not None
    values = find_method("kd").space.resolve(spec.hyperparameters)
    stages = find_method("kd").stages(values)
    assert [stage.name for stage in stages] == ["teacher", "distill"]
    assert stages[0].splits == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"file": "/no/t.pth"}, "teacher.file = '/no/t.pth': there is no such file"),
        ({"network": "resnet81"}, "teacher.network = 'resnet81': no such network"),
        ({"classes": ["a", "a"]}, "classes name a twice"),
        ({"mean": [0.5], "deviation": [0.5]}, "must each have 3 numbers"),
        ({"normalise": "own", "colour": 1}, "teacher.colour: unknown key"),
    ],
)
def test_what_is_wrong_with_the_section_is_said_before_a_trial(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    torch.save(_state(), tmp_path / "t.pth")
    study = _study({**_section(tmp_path / "t.pth"), **changes})
    with pytest.raises(StudyFileError, match=message):
        parse_study(study, catalogue(), file="s.toml")


def test_without_teacher_and_source_the_file_says_what_to_add() -> None:
    with pytest.raises(StudyFileError, match=r"data.source: is missing; .* under \[teacher\]"):
        parse_study(_study(None), catalogue(), file="s.toml")


def test_a_method_without_a_teacher_names_those_that_take_one(tmp_path: Path) -> None:
    torch.save(_state(), tmp_path / "t.pth")
    study = _study(_section(tmp_path / "t.pth"), method="erm")
    with pytest.raises(StudyFileError, match=r"erm takes no teacher; .* choose augkd, dfq_plus"):
        parse_study(study, catalogue(), file="s.toml")


class _Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (os.environ["HARMED"],)


def _trial(
    tmp_path: Path, file: Path, method: str = "augkd", preset: str = "own", **changes: Any
) -> list[EpochReport]:
    digits = [str(number) for number in range(10)]
    section = _section(file, network="own_digits:make", classes=digits[::-1], **changes)
    spec = parse_study(_study(section, method=method), catalogue(), file="s.toml")
    small = {"generator_epochs": 1, "generator_steps": 1, "student_steps": 1, "epochs": 1}
    small |= {"generated_batch": 8, "generator_width": 16, "encoder_width": 16}
    small |= {"anchor_epochs": 1} if method == "augkd" else {}
    small |= {"preset": preset} if preset != "own" else {}
    job = TrialJob(
        study="given",
        number=0,
        method=method,
        values=find_method(method).space.resolve({**spec.hyperparameters, **small}),
        seed=0,
        data=spec.data,
        artifacts=str(tmp_path / "artifacts"),
    )
    return list(Trial(job, CPU).reports())


DIGITS = """
from torch import nn

def make():
    return nn.Sequential(nn.Conv2d(1, 4, 5, stride=3), nn.Flatten(), nn.Linear(256, 10))
"""


def _digits_teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    (tmp_path / "own_digits.py").write_text(DIGITS, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "own_digits", raising=False)
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(1, 4, 5, stride=3), nn.Flatten(), nn.Linear(256, 10))
    return dict(layers.state_dict())


@pytest.mark.slow
@pytest.mark.parametrize("method", ["augkd", "kd", "dfq_plus", "finetune"])
@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_a_trial_distils_it_without_any_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, ending: str
) -> None:
    state = _digits_teacher(tmp_path, monkeypatch)
    file = tmp_path / f"t.{ending}"
    if ending == "pth":
        torch.save({"model_state_dict": state, "epoch": 3}, file)
    else:
        save_file(state, file)
    reports = _trial(tmp_path, file, method, channels=1, image_size=28)
    last = reports[-1]
    splits = {score.domain for score in last.scores if score.split != "augmented"}
    assert splits == {"photo"}
    assert last.value is not None
    # kd trains no data-free stage, so that its loss cannot miss batch norms
    assert any("no batch norm" in text for text in last.warnings) is (method != "kd")


@pytest.mark.slow
def test_the_released_preset_distils_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(_digits_teacher(tmp_path, monkeypatch), tmp_path / "t.pth")
    found = find_method("augkd").space["preset"]
    reports = _trial(tmp_path, tmp_path / "t.pth", preset="official", channels=1, image_size=28)
    assert found.default == "own"
    assert reports[-1].value is not None


@pytest.mark.slow
def test_a_harmful_teacher_is_refused_and_not_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _digits_teacher(tmp_path, monkeypatch)
    monkeypatch.setenv("HARMED", str(tmp_path / "harmed"))
    torch.save({"a": _Harmful()}, tmp_path / "t.pth", pickle_module=pickle)
    with pytest.raises(MethodError, match="holds more than tensors and is not read"):
        _trial(tmp_path, tmp_path / "t.pth", channels=1, image_size=28)
    assert not (tmp_path / "harmed").exists()
