from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from dgsearch.methods.mpbm.mixing import Mixer, Mixing, choose_instances
from dgsearch.methods.mpbm.modules import Discriminator, MixupGenerator

MIXING = Mixing(
    attention="feature",
    label="soft",
    scale="sqrt_d",
    temperature=1.0,
    layer_norm=False,
    instances=3,
    num_classes=3,
)


def _mixer(features: int = 4, *, instances: int = 3) -> Mixer:
    torch.manual_seed(0)
    mixing = replace(MIXING, instances=instances)
    random = torch.Generator().manual_seed(1)
    return Mixer(MixupGenerator(features), torch.eye(features), mixing, random)


def test_each_row_is_mixed_with_itself_first_and_with_others_once() -> None:
    chosen = choose_instances(7, 4, torch.Generator().manual_seed(0))
    assert chosen.shape == (7, 4)
    assert chosen[:, 0].tolist() == list(range(7))
    assert all(len(set(row.tolist())) == 4 for row in chosen)


def test_the_others_are_drawn_evenly() -> None:
    generator = torch.Generator().manual_seed(0)
    counts = torch.zeros(6, 6)
    for _ in range(3000):
        chosen = choose_instances(6, 3, generator)
        counts.scatter_add_(1, chosen, torch.ones(6, 3))
    others = counts[~torch.eye(6, dtype=torch.bool)] / 3000
    assert others.min().item() == pytest.approx(0.4, abs=0.04)  # 2 of 5 others
    assert others.max().item() == pytest.approx(0.4, abs=0.04)


@pytest.mark.parametrize(("rows", "expected"), [(1, 1), (3, 3), (9, 5)])
def test_a_small_batch_mixes_what_it_has(rows: int, expected: int) -> None:
    assert choose_instances(rows, 5, torch.Generator()).shape == (rows, expected)


def test_a_new_generator_mixes_convexly() -> None:
    features = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    chosen = choose_instances(8, 3, torch.Generator().manual_seed(1))
    mixed = _mixer().mix(features, features, torch.arange(8) % 3)
    instances = features[chosen]
    assert (mixed.features >= instances.amin(dim=1) - 1e-6).all()
    assert (mixed.features <= instances.amax(dim=1) + 1e-6).all()
    torch.testing.assert_close(mixed.target.sum(dim=1), torch.ones(8))


def test_one_instance_returns_the_row_itself() -> None:
    features = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 0, 1])
    mixed = _mixer(instances=1).mix(features, features, labels)
    torch.testing.assert_close(mixed.features, features)
    torch.testing.assert_close(mixed.target.argmax(dim=1), labels)


def test_the_gradient_reaches_features_and_projections_but_not_labels() -> None:
    mixer = _mixer()
    features = torch.randn(5, 4, requires_grad=True)
    mixed = mixer.mix(features.detach(), features, torch.zeros(5, dtype=torch.int64))
    mixed.features.square().sum().backward()
    assert features.grad is not None
    assert features.grad.abs().sum() > 0
    assert all(
        parameter.grad is not None and parameter.grad.abs().sum() > 0
        for parameter in mixer.generator.parameters()
    )


def test_the_discriminator_gives_one_logit_a_row() -> None:
    assert Discriminator(4)(torch.zeros(6, 4)).shape == (6,)


def test_rows_of_the_same_class_come_first_and_the_row_itself_fills_up() -> None:
    labels = torch.tensor([0, 0, 0, 1, 2, 2])
    chosen = choose_instances(6, 3, torch.Generator().manual_seed(0), labels=labels)
    assert (labels[chosen] == labels[:, None]).all()
    assert chosen[3].tolist() == [3, 3, 3]
    assert sorted(chosen[0].tolist()) == [0, 1, 2]
