"""TorchScript programs as teachers: computed with as they are, refused where they do more."""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dgsearch.errors import MethodError, StudyFileError
from dgsearch.methods.augkd.given import build_given
from dgsearch.methods.augkd.program import check_program, load_program, read_program
from dgsearch.methods.registry import catalogue, find_method
from dgsearch.study.loading import parse_study
from dgsearch.study.teacher import PROGRAM, TeacherSpec
from dgsearch.trainable.reports import TrialJob
from dgsearch.trainable.trial import Trial

DIGITS = [str(number) for number in range(10)]


class Digits(nn.Module):
    """A small network with a batch norm, a branch and a loop."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 4, 5, stride=3), nn.BatchNorm2d(4), nn.ReLU())
        self.last = nn.Linear(256, 10)

    def forward(self, images: Tensor) -> Tensor:
        found = self.first(images).flatten(1)
        for _ in range(2):
            if found.dim() == 2:
                found = found * 0.5
        return self.last(found)


class Saving(Digits):
    """One that writes a file."""

    def forward(self, images: Tensor) -> Tensor:
        torch.save(images, "/tmp/dgsearch-was-here")
        return self.last(self.first(images).flatten(1))


class Blind(Digits):
    """One that no gradient flows through."""

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.first(images.detach()).flatten(1))


def _saved(network: nn.Module, file: Path, *, traced: bool = False) -> Path:
    network.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        images = torch.zeros(2, 1, 28, 28)
        program = torch.jit.trace(network, images) if traced else torch.jit.script(network)
        torch.jit.save(program, file)
    return file


def _changed(file: Path, old: str, new: str) -> Path:
    """The program with its code changed; the text stands once in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(buffer, "w") as written:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith(".py"):
                content = content.decode().replace(old, new).encode()
            written.writestr(name, content)
    file.write_bytes(buffer.getvalue())
    return file


def _spec(file: Path, **changes: Any) -> TeacherSpec:
    known: dict[str, Any] = {"image_size": 28, "channels": 1, "normalise": "none", **changes}
    return TeacherSpec(file=str(file), network=PROGRAM, classes=tuple(DIGITS), **known)


@pytest.mark.parametrize("traced", [False, True])
def test_a_program_says_what_its_network_says(tmp_path: Path, traced: bool) -> None:
    torch.manual_seed(0)
    network = Digits()
    program = read_program(_saved(network, tmp_path / "t.pt", traced=traced))
    images = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(load_program(program)(images), network(images))


def test_a_gradient_reaches_the_images_through_the_given_teacher(tmp_path: Path) -> None:
    file = _saved(Digits(), tmp_path / "t.pt")
    state = {PROGRAM: read_program(file)}
    text = _spec(file).model_dump_json()
    teacher = build_given(text, state, labels=DIGITS[::-1], image_size=32)
    images = torch.rand(2, 3, 32, 32, requires_grad=True)
    teacher(images).sum().backward()
    assert images.grad is not None
    assert bool(images.grad.any())
    assert not any(weight.requires_grad for weight in teacher.parameters())


def test_a_program_that_writes_a_file_is_refused_unrun(tmp_path: Path) -> None:
    file = _saved(Saving(), tmp_path / "t.pt")
    with pytest.raises(ValueError, match=r"uses torch.save, which a network has no need of"):
        check_program(file)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ('(images).save("x")', "calls images.save"),
        ('torch.from_file("x")', "uses torch.from_file"),
        ("ops.aten.save(images, 'x')", "uses ops.aten.save"),
        ('getattr(images, "save")("x")', r"calls getattr\(images, 'save'\)"),
        ("open('x')", "uses open"),
        ("rpc_sync(images)", "uses rpc_sync"),
        ("[lambda: images][0]", "has a statement Lambda"),
        ("__torch__.torch.classes.x.Y(images)", "uses __torch__.torch.classes.x.Y"),
        ("[torch][0].zeros([1])", "uses torch itself"),
    ],
)
def test_code_that_does_more_than_compute_is_refused(
    tmp_path: Path, new: str, message: str
) -> None:
    file = _saved(Digits(), tmp_path / "t.pt")
    mark = "(first).forward(images, )"
    assert any(mark in text for text in _code(file))
    with pytest.raises(ValueError, match=message):
        check_program(_changed(file, mark, new))


@pytest.mark.parametrize(
    ("statement", "message"),
    [("import os", "has a statement Import"), ("with images: pass", "has a statement With")],
)
def test_statements_that_no_network_has_are_refused(
    tmp_path: Path, statement: str, message: str
) -> None:
    file = _saved(Digits(), tmp_path / "t.pt")
    mark = "    first = self.first\n"
    assert any(mark in text for text in _code(file))
    with pytest.raises(ValueError, match=message):
        check_program(_changed(file, mark, f"    {statement}\n{mark}"))


def _code(file: Path) -> list[str]:
    with zipfile.ZipFile(file) as archive:
        return [archive.read(n).decode() for n in archive.namelist() if n.endswith(".py")]


def test_what_hides_in_a_comment_or_another_file_is_not_loaded(tmp_path: Path) -> None:
    file = _saved(Digits(), tmp_path / "t.pt")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("archive/extra/harm.bin", b"x" * 100)
    program = read_program(_changed(file, "class Digits", "# type: ignore\nclass Digits"))
    with zipfile.ZipFile(io.BytesIO(program.numpy().tobytes())) as written:
        assert not [name for name in written.namelist() if "harm" in name or "debug" in name]
        code = [written.read(name) for name in written.namelist() if name.endswith(".py")]
    assert not any(b"#" in text for text in code)


def test_a_program_of_torch_export_is_refused_with_the_way_out(tmp_path: Path) -> None:
    exported = torch.export.export(Digits().eval(), (torch.zeros(2, 1, 28, 28),))
    torch.export.save(exported, tmp_path / "t.pt2")
    with pytest.raises(ValueError, match=r"only load by unpickling .* save its tensors"):
        check_program(tmp_path / "t.pt2")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip at all"])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.pt").write_bytes(content)
    with pytest.raises(ValueError, match="is no TorchScript program"):
        check_program(tmp_path / "t.pt")


def test_a_program_without_a_gradient_is_refused(tmp_path: Path) -> None:
    file = _saved(Blind(), tmp_path / "t.pt")
    with pytest.raises(MethodError, match="no gradient flows through the program"):
        build_given(
            _spec(file).model_dump_json(),
            {PROGRAM: read_program(file)},
            labels=DIGITS,
            image_size=32,
        )


def test_images_that_do_not_fit_are_named(tmp_path: Path) -> None:
    file = _saved(Digits(), tmp_path / "t.pt")
    with pytest.raises(MethodError, match=r"fails on two images of 3 channels and 28 pixels"):
        build_given(
            _spec(file, channels=3).model_dump_json(),
            {PROGRAM: read_program(file)},
            labels=DIGITS,
            image_size=32,
        )


def _study(file: Path) -> dict[str, Any]:
    return {
        "name": "program",
        "method": "dfq_plus",
        "seeds": [0],
        "data": {"benchmark": "digits-mini", "targets": ["photo"]},
        "design": {"kind": "grid", "vary": {"lr": [1e-3]}},
        "teacher": {
            "file": str(file),
            "network": "torchscript",
            "classes": DIGITS,
            "image_size": 28,
            "channels": 1,
        },
    }


def test_a_study_names_the_fault_before_any_trial(tmp_path: Path) -> None:
    file = _saved(Saving(), tmp_path / "t.pt")
    with pytest.raises(StudyFileError, match=r"teacher.file = .* uses torch.save"):
        parse_study(_study(file), catalogue(), file="s.toml")


@pytest.mark.slow
def test_a_trial_distils_a_program_and_says_that_batch_norms_are_off(tmp_path: Path) -> None:
    spec = parse_study(_study(_saved(Digits(), tmp_path / "t.pt")), catalogue(), file="s.toml")
    small = {"generator_epochs": 1, "generator_steps": 1, "student_steps": 1, "epochs": 1}
    small |= {"generated_batch": 8, "generator_width": 16, "encoder_width": 16}
    values = find_method("dfq_plus").space.resolve({**spec.hyperparameters, **small})
    job = TrialJob("program", 0, "dfq_plus", values, 0, spec.data, str(tmp_path / "artifacts"))
    last = list(Trial(job, torch.device("cpu")).reports())[-1]
    assert last.value is not None
    assert any("is a program, whose batch norms cannot be watched" in t for t in last.warnings)
