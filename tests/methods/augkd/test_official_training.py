"""`preset = "official"`: how its stages train and which epoch they keep, each against the default.

What is right was read off the released code, IshiKura-a/AuG-KD f0f6174; docs/augkd.md lists it.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dgsearch.data.batches import Split
from dgsearch.methods.architectures import Resize
from dgsearch.methods.augkd import AugKD
from dgsearch.methods.augkd.official import WarmUp, seeing_raw
from dgsearch.methods.augkd.teacher import WatchedBatchNorms
from dgsearch.methods.base import StageContext, Values, restore_state, state_of
from dgsearch.methods.networks import build_network
from tests.methods.augkd.test_stages import CLASSES, CPU, SIZE, TINY, _chain, _same, _split

OFFICIAL = {"preset": "official"}


def _rates(optimiser: torch.optim.Optimizer) -> list[float]:
    return [group["lr"] for group in optimiser.param_groups]


def test_the_first_five_steps_take_a_third_of_the_learning_rate() -> None:
    weight = nn.Parameter(torch.zeros(()))
    optimiser = torch.optim.SGD([weight], lr=0.3)
    warm_up = WarmUp(optimiser)
    moved = []
    for _ in range(7):
        before = float(weight.detach())
        weight.grad = torch.ones(())
        optimiser.step()
        moved.append(before - float(weight.detach()))
    assert moved == pytest.approx([0.1] * 5 + [0.3] * 2, abs=1e-6)
    assert _rates(optimiser) == [0.3]
    assert int(warm_up.done) == 7


def test_a_network_sees_raw_pixels_where_it_is_told_to() -> None:
    network = build_network(
        "convnet-student", num_classes=CLASSES, image_size=SIZE, seed=0, device=CPU
    ).eval()
    images = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        plain = network(images)
        as_they_are = network.head(network.extractor(images))
        with seeing_raw(network, torch.tensor([True, False])):
            found = network(images)
        again = network(images)
    assert torch.equal(found[0], as_they_are[0])
    assert torch.equal(found[1], plain[1])
    assert torch.equal(again, plain)
    assert not torch.allclose(plain[0], as_they_are[0])


@pytest.mark.parametrize(("preset", "moves"), [("own", False), ("official", True)])
def test_generated_images_move_the_students_statistics(preset: str, moves: bool) -> None:
    _, runs = _chain(preset=preset)
    run = runs["data_free"]
    before = [tensor.clone() for tensor in run._student.state_dict().values()]
    with WatchedBatchNorms(run._teacher) as watched:
        run._generator_step(watched)
    assert _same([*run._student.state_dict().values()], before) is not moves


def test_the_encoders_learning_rate_stays() -> None:
    _, runs = _chain(generator_epochs=3, **OFFICIAL)
    run = runs["data_free"]
    assert _rates(run._optimise_e) == [1e-4]
    assert _rates(run._optimise_g)[0] == pytest.approx(0.0, abs=1e-9)  # a cosine's end
    _, runs = _chain(generator_epochs=3)
    assert _rates(runs["data_free"]._optimise_e)[0] == pytest.approx(0.0, abs=1e-9)


def test_the_epoch_of_the_lowest_generator_loss_is_kept() -> None:
    _, runs = _chain(**OFFICIAL)
    run = runs["data_free"]
    run._judge.best.lowest.fill_(torch.inf)
    run._judge.best.look(run._networks, torch.tensor(2.0))
    kept = [tensor.clone() for tensor in run.product()["student"].values()]
    with torch.no_grad():
        run._student.head.bias.add_(1)
    run._judge.best.look(run._networks, torch.tensor(3.0))
    assert _same([*run.product()["student"].values()], kept)
    run._judge.best.look(run._networks, torch.tensor(1.0))
    assert _same([*run.product()["student"].values()], [*run._student.state_dict().values()])


def test_the_generator_is_judged_in_eval_mode_on_the_same_latents() -> None:
    _, runs = _chain(generator_epochs=2, **OFFICIAL)
    run = runs["data_free"]
    assert run._judge.latents.shape == (10 * TINY["generated_batch"], TINY["latent"])
    before = [tensor.clone() for tensor in run._student.state_dict().values()]
    with WatchedBatchNorms(run._teacher) as watched:
        first, second = (run._judged(run._judge.latents, watched) for _ in range(2))
    assert torch.equal(first, second)
    assert _same([*run._student.state_dict().values()], before)
    assert run._student.training
    assert float(run._judge.best.lowest) < math.inf


@pytest.mark.parametrize(("preset", "steps"), [("own", 2), ("official", 4)])
def test_the_anchors_schedule_moves_by_epoch_or_by_batch(preset: str, steps: int) -> None:
    _, runs = _chain(preset=preset)  # 2 epochs, each of 2 batches of 5 of the 11 images
    assert runs["anchor"].lr_schedule.last_epoch == steps


def test_held_out_images_are_normalised_for_the_encoder_alone_in_the_anchor_stage() -> None:
    _, runs = _chain(**OFFICIAL)
    run = runs["anchor"]
    seen: list[Tensor] = []
    run.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    run._held_out_loss(run.held_out)
    images = run.held_out.images
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    assert torch.allclose(seen[0], (images - mean) / deviation)


def test_raw_images_and_their_normalised_copies_are_both_seen_at_the_ramps_end() -> None:
    _, runs = _chain(**OFFICIAL)
    run = runs["distill"]
    batch = run._held_out.take(torch.arange(3))
    images, labels, mixed = run._inputs(batch, 1.0)
    assert mixed.tolist() == [False] * 3 + [True] * 3
    assert torch.allclose(images[:3], images[3:], atol=1e-6)
    assert torch.equal(labels[:3], labels[3:])
    _, runs = _chain()
    assert len(runs["distill"]._inputs(batch, 1.0)[0]) == 3


def _teacher_run(epochs: int) -> Any:
    values = AugKD.space.resolve(TINY | OFFICIAL | {"teacher_epochs": epochs})
    stage = AugKD().stages(values)[0]
    splits: dict[str, Split] = {"source/train": _split(11, 0), "source/validation": _split(9, 1)}
    return stage.start(
        StageContext(
            values=Values(stage.values_of(values), stage=stage.name, reads=stage.reads),
            splits=splits,
            products={},
            seed=0,
            num_classes=CLASSES,
            image_size=SIZE,
            device=CPU,
        )
    )


def test_the_teacher_of_the_best_held_out_epoch_is_kept() -> None:
    run = _teacher_run(2)
    run.train_epoch(1)
    first = [tensor.clone() for tensor in run.product()["classifier"].values()]
    assert _same(first, [*run._network.state_dict().values()])
    run._best.lowest.fill_(0)  # none is wrong: no later epoch is better
    run.train_epoch(2)
    assert _same([*run.product()["classifier"].values()], first)
    run._best.lowest.fill_(torch.inf)
    run.train_epoch(3)
    assert _same([*run.product()["classifier"].values()], [*run._network.state_dict().values()])


@pytest.mark.parametrize("stage", ["data_free", "anchor", "distill"])
def test_a_stage_that_goes_on_from_its_state_makes_the_same_weights(stage: str) -> None:
    first, second = (_chain(**OFFICIAL)[1][stage] for _ in range(2))
    first.train_epoch(first.epochs + 1)
    state = state_of(first.parts())
    restore_state(second.parts(), state)
    for run in (first, second):
        run.train_epoch(first.epochs + 2)
    for name, network in first.product().items():
        assert _same([*network.values()], [*second.product()[name].values()])


def test_raw_images_are_resized_as_the_network_resizes_its_own() -> None:
    network = build_network(
        "convnet-student", num_classes=CLASSES, image_size=2 * SIZE, seed=0, device=CPU
    ).eval()
    network.normalise = nn.Sequential(Resize(2 * SIZE), nn.Identity())
    images = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        plain = network(images)
        with seeing_raw(network, torch.tensor([True, False])):
            found = network(images)
    assert torch.equal(found, plain)  # this one's normalisation only resizes
