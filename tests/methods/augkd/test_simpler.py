"""The methods beside AuG-KD: where each student starts, whom it follows, on which images."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from dgsearch.data.batches import Split
from dgsearch.methods.augkd import SIMPLER, AugKD
from dgsearch.methods.augkd.distill import Distillation
from dgsearch.methods.base import StageContext, Values
from dgsearch.methods.networks import build_network

CPU = torch.device("cpu")
METHODS = {method.name: method for method in SIMPLER}
TINY = {
    "latent": 6,
    "generator_width": 8,
    "encoder_width": 8,
    "generator_epochs": 1,
    "generator_steps": 1,
    "student_steps": 1,
    "generated_batch": 8,
    "anchor_epochs": 1,
    "batch_size": 4,
    "epochs": 1,
}


def _split(count: int, seed: int) -> Split:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, 3, 16, 16), generator=generator, dtype=torch.uint8)
    return Split(images, torch.arange(count) % 3, CPU)


def _last(name: str, **values: Any) -> tuple[Distillation, dict[str, Any]]:
    """The run of a method's last stage before its first epoch, and the products before it."""
    method = METHODS[name]
    resolved = method.space.resolve(
        {key: value for key, value in (TINY | values).items() if key in method.space}
    )
    teacher = build_network("convnet-teacher", num_classes=3, image_size=16, seed=5, device=CPU)
    products: dict[str, Any] = {"teacher": {"classifier": teacher.state_dict()}}
    splits = {"target/train": _split(8, 0), "target/validation": _split(6, 1)}
    run: Any = None
    for stage in method.stages(resolved)[1:]:
        context = StageContext(
            values=Values(stage.values_of(resolved), stage=stage.name, reads=stage.reads),
            splits={split: splits[split] for split in stage.splits},
            products=dict(products),
            seed=0,
            num_classes=3,
            image_size=16,
            device=CPU,
        )
        run = stage.start(context)
        if stage is not method.stages(resolved)[-1] and "distill" not in stage.name:
            for epoch in range(1, run.epochs + 1):
                run.train_epoch(epoch)
            products[stage.name] = run.product()
    assert isinstance(run, Distillation)
    return run, products


@pytest.mark.parametrize(
    ("name", "data_free"),
    [("kd", False), ("kd_mixup", False), ("dfq_plus", True), ("self", True), ("finetune", True)],
)
def test_each_student_starts_where_its_method_says(name: str, data_free: bool) -> None:
    run, products = _last(name)
    assert ("data_free" in products) == data_free  # from scratch no such stage is trained
    if data_free:
        weight: Tensor = run.classifier().state_dict()["head.weight"]
        assert torch.equal(weight, products["data_free"]["student"]["head.weight"])


def test_kd_from_scratch_is_charged_for_its_teacher_and_itself_alone() -> None:
    kd = METHODS["kd"]
    names = [stage.name for stage in kd.stages(kd.space.defaults())]
    assert names == ["teacher", "distill"]
    from_data_free = kd.stages(kd.space.resolve({"student_start": "data_free"}))
    assert [stage.name for stage in from_data_free] == [
        "teacher", "data_free", "anchor", "distill",
    ]  # fmt: skip


def test_kd_from_the_data_free_student_is_dfq_plus() -> None:
    kd, dfq_plus = METHODS["kd"], METHODS["dfq_plus"]
    values = kd.space.resolve({"student_start": "data_free"})
    ours, theirs = kd.stages(values)[-1], dfq_plus.stages(dfq_plus.space.defaults())[-1]
    assert ours.values_of(values) == theirs.values_of(dfq_plus.space.defaults())
    assert (ours.name, ours.version) == (theirs.name, theirs.version)


def test_the_self_target_leaves_no_divergence_and_no_gradient() -> None:
    run, _ = _last("self")
    _, divergence = run._losses(run._train.take(torch.arange(4)), 0.5)
    divergence.backward()
    assert divergence.item() == pytest.approx(0, abs=1e-6)
    gradients = [weight.grad for weight in run.classifier().parameters()]
    assert all(g is not None and g.abs().max() < 1e-5 for g in gradients)


def test_self_is_augkd_but_for_its_target() -> None:
    method = METHODS["self"]
    values = method.space.defaults()
    whole = AugKD.space.defaults()
    for ours, theirs in zip(method.stages(values), AugKD().stages(whole), strict=True):
        differing = ours.values_of(values).items() ^ theirs.values_of(whole).items()
        assert dict(differing) in ({}, {"distillation": "self"}, {"distillation": "teacher"})


def test_kd_mixup_asks_the_teacher_about_the_mixed_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The teacher sees what the student sees: each a mixture of two images of the batch."""
    run, _ = _last("kd_mixup")
    seen: list[Tensor] = []
    target = run._target
    monkeypatch.setattr(
        run, "_target", lambda images, student: seen.append(images) or target(images, student)
    )
    batch = run._train.take(torch.arange(4))
    label_loss, divergence = run._losses(batch, 1.0)
    assert label_loss > 0 < divergence
    (mixed,) = seen
    sums = mixed.sum(dim=0), batch.images.sum(dim=0)  # a permutation keeps the batch's sum
    assert torch.allclose(*sums, atol=1e-5)
    assert not torch.equal(mixed, batch.images)
