"""AuG-KD's stages on tiny data: what each touches, each option, and what must never move."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dgsearch.data.batches import Split
from dgsearch.methods.augkd import AugKD, MpbmAugKD
from dgsearch.methods.augkd.anchors import anchor_rule
from dgsearch.methods.augkd.data_free import DataFree, classes_shown
from dgsearch.methods.augkd.distill import Distillation
from dgsearch.methods.augkd.modules import AnchorNet, Encoder, Generator
from dgsearch.methods.augkd.teacher import (
    WatchedBatchNorms,
    freeze,
)
from dgsearch.methods.base import StageContext, Values
from dgsearch.methods.networks import build_network

CPU = torch.device("cpu")
CLASSES, SIZE = 3, 16
TINY = {
    "latent": 6,
    "generator_width": 8,
    "encoder_width": 8,
    "generator_epochs": 1,
    "generator_steps": 2,
    "student_steps": 2,
    "generated_batch": 12,
    "anchor_epochs": 2,
    "batch_size": 5,
    "epochs": 4,
}


def _split(count: int, seed: int) -> Split:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8)
    return Split(images, torch.arange(count) % CLASSES, CPU)


def _chain(**values: Any) -> tuple[StageContext, dict[str, Any]]:
    """The last stage's context after every stage before it, and the runs by stage."""
    resolved = AugKD.space.resolve(TINY | values)
    teacher = build_network(
        "convnet-teacher", num_classes=CLASSES, image_size=SIZE, seed=5, device=CPU
    )
    products: dict[str, Any] = {"teacher": {"classifier": teacher.state_dict()}}
    splits = {"target/train": _split(11, 0), "target/validation": _split(9, 1)}
    runs: dict[str, Any] = {}
    for stage in AugKD().stages(resolved)[1:]:
        context = StageContext(
            values=Values(stage.values_of(resolved), stage=stage.name, reads=stage.reads),
            splits={name: splits[name] for name in stage.splits},
            products=dict(products),
            seed=0,
            num_classes=CLASSES,
            image_size=SIZE,
            device=CPU,
        )
        run = stage.start(context)
        runs[stage.name] = run
        if stage.name != "distill":
            for epoch in range(1, run.epochs + 1):
                run.train_epoch(epoch)
            products[stage.name] = run.product()
    return context, runs


def _weights(network: nn.Module) -> list[Tensor]:
    return [tensor.clone() for tensor in network.state_dict().values()]


def _same(first: list[Tensor], second: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_chain_is_that_of_the_paper_and_a_and_b_touch_only_its_end() -> None:
    stages = AugKD().stages(AugKD.space.defaults())
    assert [stage.name for stage in stages] == ["teacher", "data_free", "anchor", "distill"]
    readers = [stage.name for stage in stages if {"a", "b"} & set(stage.reads)]
    assert readers == ["distill"]
    assert [stage.splits for stage in stages[:2]] == [("source/train",), ()]


def test_an_mpbm_teacher_takes_mpbms_own_stages() -> None:
    stages = MpbmAugKD().stages(MpbmAugKD.space.defaults())
    assert [stage.name for stage in stages] == [
        "pretrain",
        "correlation",
        "mpbm",
        "data_free",
        "anchor",
        "distill",
    ]
    assert {"lambda_adv", "lambda_mix", "T", "N_b", "a", "b"} <= set(MpbmAugKD.space.names)
    plain = MpbmAugKD().stages(MpbmAugKD.space.resolve({"teacher": "erm"}))
    assert [stage.name for stage in plain[:2]] == ["pretrain", "erm"]


def test_every_stage_reads_hyperparameters_that_its_method_has() -> None:
    for method in (AugKD(), MpbmAugKD()):
        for changes in (
            {},
            {"data_free": "off"},
            {"anchor": "none"},
            {"anchor": "class_centroid"},
        ):
            values = method.space.resolve(changes)
            for stage in method.stages(values):
                assert set(stage.values_of(values)) == set(stage.reads)


def test_the_teacher_is_never_changed_and_its_hooks_are_removed() -> None:
    _, runs = _chain()
    for run in (runs["data_free"], runs["anchor"], runs["distill"]):
        held = (getattr(run, name, None) for name in ("teacher", "_teacher"))
        teacher = next((one for one in held if one), None) or run._frozen.teacher
        before = _weights(teacher)
        run.train_epoch(1)
        assert _same(_weights(teacher), before)
        assert not teacher.training
        assert all(parameter.grad is None for parameter in teacher.parameters())
        assert all(not part._forward_pre_hooks for part in teacher.modules())


def test_the_generators_step_leaves_the_students_running_statistics_alone() -> None:
    _, runs = _chain()
    run: DataFree = runs["data_free"]
    before = _weights(run._student)
    with WatchedBatchNorms(run._teacher) as watched:
        run._generator_step(watched)
    assert _same(_weights(run._student), before)
    run._student_step()
    assert not _same(_weights(run._student), before)


def test_watched_batch_norms_measure_what_enters_them() -> None:
    network = nn.Sequential(nn.BatchNorm2d(2), nn.ReLU(), nn.BatchNorm2d(2)).eval()
    images = torch.randn(5, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    with WatchedBatchNorms(network) as watched:
        with torch.no_grad():
            network(images * 100)  # nobody asks about this one
        network(images)
        loss = watched.loss()
        assert watched.loss().item() == 0.0
    first = images
    second = network[0](images).relu()
    mean = torch.cat([part.mean(dim=(0, 2, 3)) for part in (first, second)])
    variance = torch.cat([part.var(dim=(0, 2, 3)) for part in (first, second)]) - 1
    assert loss.item() == pytest.approx((mean.norm() + variance.norm()).item(), rel=1e-5)


def test_the_last_stage_trains_the_student_alone_and_from_a_copy() -> None:
    context, runs = _chain()
    run: Distillation = runs["distill"]
    start = context.products["data_free"]["student"]
    kept = [tensor.clone() for tensor in start.values()]
    frozen = [_weights(part) for part in (run._frozen.generator, run._frozen.encoder)]
    run.train_epoch(1)
    assert _same(list(start.values()), kept)
    assert not _same(_weights(run._student), kept)
    now = [_weights(part) for part in (run._frozen.generator, run._frozen.encoder)]
    assert all(_same(a, b) for a, b in zip(now, frozen, strict=True))


def test_the_target_of_the_distillation_is_the_teacher_or_the_student_itself() -> None:
    batch = _split(8, 3).images
    _, runs = _chain()
    run = runs["distill"]
    logits = run._student.eval()(batch)
    torch.testing.assert_close(run._target(batch, logits), run._frozen.teacher(batch))
    _, runs = _chain(distillation="self")
    run = runs["distill"]
    logits = run._student(batch)
    target = run._target(batch, logits)
    assert torch.equal(target, logits)
    assert not target.requires_grad
    losses = run._losses(next(iter(run._train.in_order(8))), 0.5)
    assert losses[1].item() == pytest.approx(0.0, abs=1e-4)


def test_without_distillation_the_labels_have_the_whole_loss() -> None:
    _, runs = _chain(distillation="none")
    run = runs["distill"]
    found = run.train_epoch(1)
    assert found["distillation_loss"] == 0
    assert not run._distils


def test_where_the_ramp_has_ended_the_images_are_seen_once() -> None:
    _, runs = _chain()
    run: Distillation = runs["distill"]
    batch = next(iter(run._train.in_order(8)))
    for f, count in ((0.5, 16), (1.0, 8)):
        images, labels, mixed = run._inputs(batch, f)
        assert len(images) == len(labels) == len(mixed) == count
        assert int(mixed.sum()) == (8 if f < 1 else 0)
    torch.testing.assert_close(run._inputs(batch, 0.5)[0][:8], batch.images)


@pytest.mark.parametrize(
    ("kind", "rows", "mixed"), [("mixed", 8, 8), ("raw", 8, 0), ("both", 16, 8)]
)
def test_a_batch_holds_what_it_should(kind: str, rows: int, mixed: int) -> None:
    _, runs = _chain(batch=kind)
    run: Distillation = runs["distill"]
    images, _, chosen = run._inputs(next(iter(run._train.in_order(8))), 0.3)
    assert (len(images), int(chosen.sum())) == (rows, mixed)


def test_kd_on_mixed_follows_the_teacher_on_mixed_images_alone() -> None:
    _, runs = _chain(kd_on="mixed")
    run: Distillation = runs["distill"]
    asked: list[int] = []
    teacher = run._frozen.teacher
    teacher.register_forward_pre_hook(lambda _, inputs: asked.append(len(inputs[0])))
    run._losses(next(iter(run._train.in_order(8))), 0.3)
    assert asked == [8]


def test_without_mixup_the_ramp_stays_at_the_anchor() -> None:
    _, runs = _chain(mixup="off")
    assert [runs["distill"]._ramp(epoch) for epoch in (1, 2, 4)] == [0.0, 0.0, 0.0]
    _, runs = _chain(a=0.5, b=0.2, ramp="step")
    assert runs["distill"]._ramp(1) == pytest.approx(0.2)
    assert runs["distill"]._ramp(4) == 1.0


def test_a_student_from_scratch_is_the_same_whatever_the_generator_did() -> None:
    context, runs = _chain(student_start="scratch")
    fresh = build_network(
        "convnet-student",
        num_classes=CLASSES,
        image_size=SIZE,
        seed=context.derived_seed("init", "student"),
        device=CPU,
    )
    assert _same(_weights(runs["distill"]._student), _weights(fresh))


def test_without_the_data_free_module_the_students_images_are_reconstructed() -> None:
    _, runs = _chain(data_free="off")
    assert "reconstruction" in runs
    assert "data_free" not in runs
    run = runs["reconstruction"]
    first = run.train_epoch(1)["reconstruction_loss"]
    for epoch in range(2, 40):
        last = run.train_epoch(epoch)["reconstruction_loss"]
    assert last < first


@pytest.mark.parametrize(
    "kind", ["learned", "none", "random", "class_centroid", "uncertainty_weighted"]
)
def test_every_kind_of_anchor_goes_through_the_last_stage(kind: str) -> None:
    context, runs = _chain(anchor=kind)
    found = runs["distill"].train_epoch(1)
    assert "uncertainty_before" in found
    of_anchors = {"uncertainty_after", "mask_occupancy", "anchor_shift"}
    assert of_anchors & set(found) == (set() if kind == "none" else of_anchors)
    rule = anchor_rule(context, context.products["anchor"], torch.Generator().manual_seed(0))
    z, labels = torch.randn(30, 6), torch.arange(30) % CLASSES
    anchors, mask = rule(z, labels)
    assert anchors.shape == mask.shape == z.shape
    if kind == "none":
        torch.testing.assert_close(anchors, z)
    if kind == "random":
        assert mask.mean().item() == pytest.approx(0.75, abs=0.1)
        torch.testing.assert_close(anchors[mask == 0], z[mask == 0])
    if kind in ("class_centroid", "uncertainty_weighted"):
        torch.testing.assert_close(anchors[0], anchors[3])


def test_class_latents_average_what_the_teacher_sees() -> None:
    _, runs = _chain(anchor="class_centroid")
    run = runs["anchor"]
    z = torch.tensor([[1.0] * 6, [3.0] * 6, [5.0] * 6])
    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [3.0, 0.0, 0.0]])
    table = run._averages(z, logits)
    torch.testing.assert_close(table, torch.tensor([[3.0] * 6, [3.0] * 6, [0.0] * 6]))
    run._by_uncertainty = True
    heavier = run._averages(z, logits)
    assert 3.0 < heavier[0, 0].item() < 5.0


def test_the_anchor_network_keeps_its_best_on_held_out_images() -> None:
    _, runs = _chain()
    run = runs["anchor"]
    run.best.lowest.fill_(-1e9)
    before = _weights(run.best.kept["anchor"])
    run.train_epoch(3)
    assert _same(_weights(run.best.kept["anchor"]), before)
    run.best.lowest.fill_(1e9)
    run.train_epoch(4)
    assert _same(_weights(run.best.kept["anchor"]), _weights(run.network))


def test_a_generator_that_shows_few_classes_is_warned_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, runs = _chain()
    run: DataFree = runs["data_free"]
    one_class = torch.tensor([9.0, 0.0, 0.0]).repeat(512, 1)
    monkeypatch.setattr(run, "_teacher", lambda images: one_class)
    (warning,) = run.warnings()
    assert "sees only 1 of 3 classes" in warning
    balanced = torch.eye(3).repeat(171, 1)[:512]
    monkeypatch.setattr(run, "_teacher", lambda images: balanced)
    assert run.warnings() == []
    assert classes_shown(one_class) == 1


@pytest.mark.parametrize("count", [1, 2, 6])
def test_odd_last_batches_are_no_trouble(count: int) -> None:
    context, runs = _chain(batch_size=5)
    run: Distillation = runs["distill"]
    run._train = _split(5 + count, 9)
    run.train_epoch(1)
    sizes = [len(batch) for batch in run._train.batches(5, torch.Generator(), smallest=2)]
    assert sum(sizes) == 5 + count
    assert min(sizes) > 1
    assert context.num_classes == CLASSES


@pytest.mark.parametrize("size", [16, 32, 64])
def test_the_networks_scale_with_the_image(size: int) -> None:
    generator, encoder = Generator(6, 8, size), Encoder(6, 8, CLASSES, size)
    images = generator(torch.randn(2, 6))
    assert images.shape == (2, 3, size, size)
    assert images.min() > 0
    assert images.max() < 1
    mean, log_variance = encoder(images, torch.tensor([0, 2]))
    assert mean.shape == log_variance.shape == (2, 6)
    assert log_variance.min() >= -5
    assert log_variance.max() <= 3


def test_the_released_sizes_have_the_released_numbers_of_parameters() -> None:
    def count(network: nn.Module) -> int:
        return sum(parameter.numel() for parameter in network.parameters())

    assert count(Generator(100, 256, 32)) == pytest.approx(2.03e6, rel=0.01)
    assert count(Encoder(100, 256, 31, 32)) == pytest.approx(3.68e6, rel=0.01)
    assert count(AnchorNet(100, 31)) == pytest.approx(74e3, rel=0.15)


def test_the_mask_covers_its_range() -> None:
    network = AnchorNet(50, 3).train()
    masks = torch.cat([network.mask(torch.arange(30) % 3) for _ in range(3)])
    assert masks.min() >= 0
    assert masks.max() < 1
    freeze(network)
    assert not network.training


def test_samples_show_every_step_of_the_mixture() -> None:
    _, runs = _chain()
    samples = runs["distill"].samples()
    assert samples["images"]["rows"][0] == "generated from noise"
    assert samples["images"]["columns"] == 9
    assert sum(samples["teacher_confidence"]["counts"]) == 512
