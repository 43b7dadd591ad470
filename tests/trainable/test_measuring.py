"""Every metric against a value worked by hand."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest
import torch
from torch import Tensor

from dgsearch import plugins
from dgsearch.errors import TrainingError
from dgsearch.study import metrics
from dgsearch.study.metrics import Metric, find_metric
from dgsearch.trainable.measuring import Meter

CPU = torch.device("cpu")
# Four images of classes 0, 1, 2, 0; the third is taken for 1. No image of class 3.
PROBABILITIES = torch.tensor(
    [[0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1], [0.1, 0.6, 0.2, 0.1], [0.9, 0.05, 0.03, 0.02]]
)
LABELS = torch.tensor([0, 1, 2, 0])


def _measured(*names: str, classes: int = 4) -> dict[str, float]:
    meter = Meter(names, classes, CPU)
    with torch.inference_mode():
        meter.update(PROBABILITIES[:3].log(), LABELS[:3])
        meter.update(PROBABILITIES[3:].log(), LABELS[3:])
    return dict(meter.values())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", 3 / 4),
        ("accuracy_top2", 1.0),  # the third image's class is second
        ("macro_accuracy", (1 + 1 + 0) / 3),  # of the classes that have images
        ("worst_class_accuracy", 0.0),
        ("macro_f1", (1 + 2 / 3 + 0) / 3),  # class 1: precision 1/2, recall 1
        # each image is alone in its bin but two of .7: |1 - .7| twice, |0 - .6|, |1 - .9|
        ("calibration_error", (0.3 + 0.3 + 0.6 + 0.1) / 4),
        ("nll", 0.60704),  # -(2 ln .7 + ln .2 + ln .9) / 4
    ],
)
def test_a_metric_matches_hand_computation(name: str, expected: float) -> None:
    assert _measured(name)[name] == pytest.approx(expected, abs=1e-4)


def test_accuracy_and_loss_are_measured_always() -> None:
    assert list(_measured("macro_f1")) == ["accuracy", "loss", "macro_f1"]


def test_each_image_is_told_apart() -> None:
    meter = Meter((), 4, CPU)
    meter.update(PROBABILITIES.log(), LABELS)
    assert meter.correct().tolist() == [True, True, False, True]


def test_a_k_above_the_classes_is_refused() -> None:
    with pytest.raises(TrainingError, match="accuracy_top5 of 4 classes is always 1"):
        _measured("accuracy_top5")


class _Sure:
    """Share of images of which the classifier is surer than 0.65."""

    def __init__(self, classes: int) -> None:
        self.seen: list[Tensor] = []

    def to(self, device: torch.device) -> _Sure:
        return self

    def update(self, logits: Tensor, labels: Tensor) -> None:
        self.seen.append(logits.softmax(dim=1).amax(dim=1) > 0.65)

    def compute(self) -> Tensor:
        return torch.cat(self.seen).float().mean()


SURE = Metric("sureness", True, share=True, make=_Sure)
NONE = "no metric"


def test_a_metric_of_another_package_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("sure", "tests.trainable.test_measuring:SURE", metrics.ENTRY_POINTS)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [entry])
    metrics._plugins.cache_clear()
    try:
        assert find_metric("sure") == SURE
        assert _measured("sure")["sure"] == 0.75
    finally:
        metrics._plugins.cache_clear()


def test_one_that_is_no_metric_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    entry = EntryPoint("none", "tests.trainable.test_measuring:NONE", metrics.ENTRY_POINTS)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [entry])
    metrics._plugins.cache_clear()
    try:
        assert find_metric("none") is None
    finally:
        metrics._plugins.cache_clear()
    assert "is no dgsearch.study.metrics.Metric" in caplog.text
