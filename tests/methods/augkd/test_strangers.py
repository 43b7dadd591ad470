"""Teachers of strangers: three classifiers of digits that the wheel ccexam ships."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dgsearch.data.registry import find_benchmark
from dgsearch.methods.augkd.given import build_given
from dgsearch.methods.backbones import read_tensors
from dgsearch.study.teacher import TeacherSpec

pytestmark = pytest.mark.slow

DIGITS = tuple("0123456789")
GREY = {
    "mnist": ("MNISTNet", 28, 0.1307, 0.3081),
    "usps": ("USPSNet", 16, 0.2471, 0.2994),
}
EXPECTED = {  # accuracy on digits-mini's typeset and slanted, as first measured
    "mnist": (0.450, 0.492),
    "usps": (0.263, 0.682),
    "svhn": (0.972, 0.727),
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ccexam")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder)]
    done = subprocess.run([*command, "ccexam==1.0.0"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"ccexam 1.0.0 cannot be installed: {done.stderr.strip()[-200:]}")
    return folder


def _spec(name: str, folder: Path) -> TeacherSpec:
    file = str(folder / "ccexam" / "weights" / f"{name}.pth")
    if name == "svhn":
        return TeacherSpec(
            file=file,
            network="ccexam.models:SVHNNet",
            classes=DIGITS,
            mean=(0.4377, 0.4438, 0.4728),
            deviation=(0.1980, 0.2010, 0.1970),
            image_size=32,
        )
    network, size, mean, deviation = GREY[name]
    return TeacherSpec(
        file=file,
        network=f"ccexam.models:{network}",
        classes=DIGITS,
        mean=(mean,),
        deviation=(deviation,),
        image_size=size,
        channels=1,
    )


@pytest.mark.parametrize("name", list(EXPECTED))
def test_a_strangers_teacher_says_what_it_said_before(
    wheel: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.syspath_prepend(str(wheel))
    spec = _spec(name, wheel)
    state = read_tensors(Path(spec.file))
    data = find_benchmark("digits-mini", None)
    text = spec.model_dump_json()
    teacher = build_given(text, state, labels=data.labels, image_size=data.image_size)
    found = []
    for domain in ("typeset", "slanted"):
        stored = data.load(domain)
        with torch.no_grad():
            logits = torch.cat([teacher(part / 255) for part in stored.images.split(256)])
        found.append(float((logits.argmax(dim=1) == stored.labels).float().mean()))
    assert found == pytest.approx(EXPECTED[name], abs=0.01)
