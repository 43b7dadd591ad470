from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision import models

from dgsearch.errors import MethodError
from dgsearch.methods.acceleration import Acceleration
from dgsearch.methods.architectures import Standardise
from dgsearch.methods.networks import (
    NETWORKS,
    Centre,
    Classifier,
    build_network,
    keeping_statistics,
)

CPU = torch.device("cpu")
LARGE = ("alexnet", "resnet50")  # too large an image, too slow a network
WIDTHS = {"resnet18": 512, "resnet34": 512, "mobilenet_v3_small": 1024}


def _build(name: str, *, size: int = 32, seed: int = 0, **options: object) -> Classifier:
    return build_network(
        name,
        num_classes=5,
        image_size=size,
        seed=seed,
        device=CPU,
        **options,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in LARGE])
def test_a_network_gives_logits_and_features_at_32_pixels(name: str) -> None:
    network = _build(name).eval()
    images = torch.rand(2, 3, 32, 32)
    features = network.features(images)
    assert features.shape == (2, network.num_features)
    assert features.shape[1] == WIDTHS.get(name, network.num_features)
    torch.testing.assert_close(network(images), network.head(features))
    assert network(images).shape == (2, 5)


def test_the_digits_network_is_that_of_the_protocol() -> None:
    shapes = [tuple(weight.shape) for weight in _build("convnet-digits").parameters()]
    assert [shape for shape in shapes if len(shape) > 1] == [
        (64, 3, 5, 5),
        (128, 64, 5, 5),
        (1024, 3200),
        (1024, 1024),
        (5, 1024),
    ]


@pytest.mark.parametrize(
    ("name", "learnt"),
    [
        ("resnet18", 11_176_512),  # torchvision's 11,689,512 less 512 * 1000 + 1000
        ("resnet50", 23_508_032),
        ("alexnet", 57_003_840),
        ("mobilenet_v3_small", 1_517_856),
    ],
)
def test_a_backbone_is_torchvisions_without_its_last_layer(name: str, learnt: int) -> None:
    network = _build(name, size=64)
    assert sum(weight.numel() for weight in network.extractor.parameters()) == learnt


def test_a_backbone_computes_what_torchvisions_network_computes(tmp_path: Path) -> None:
    reference = models.resnet18(weights=None).eval()
    torch.save(reference.state_dict(), tmp_path / "r.pth")
    network = _build("resnet18", weights=str(tmp_path / "r.pth")).eval()
    images = torch.rand(2, 3, 32, 32)
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    reference.fc = torch.nn.Identity()
    with torch.no_grad():
        expected = reference((images - mean) / deviation)
        torch.testing.assert_close(network.features(images), expected, rtol=1e-4, atol=1e-5)


def test_normalisation_is_the_networks_own_and_no_part_of_its_weights() -> None:
    white = torch.ones(1, 3, 2, 2)
    assert torch.equal(Centre()(white), white)
    standard = Standardise((0.5, 0.25, 0.0), (0.5, 0.25, 2.0))
    assert standard(white)[0, :, 0, 0].tolist() == [1.0, 3.0, 0.5]
    assert not any("normalise" in name for name in _build("resnet18").state_dict())


def test_a_gradient_reaches_the_images_through_a_backbone() -> None:
    images = torch.rand(2, 3, 32, 32, requires_grad=True)
    _build("mobilenet_v3_small").eval()(images).sum().backward()
    assert images.grad is not None
    assert float(images.grad.abs().sum()) > 0


@pytest.mark.parametrize("name", ["resnet18", "convnet-small"])
def test_the_seed_alone_decides_the_weights(name: str) -> None:
    torch.manual_seed(5)
    first = _build(name)
    torch.manual_seed(6)
    again, other = _build(name), _build(name, seed=1)
    assert torch.equal(first.head.weight, again.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)


def test_too_small_images_are_named() -> None:
    with pytest.raises(MethodError, match=r"alexnet needs images of at least 63 pixels .* got 32"):
        _build("alexnet")


def test_an_unknown_network_is_named() -> None:
    with pytest.raises(MethodError, match=r"network = 'resnet81': .*did you mean 'resnet18'"):
        _build("resnet81")


@pytest.mark.parametrize("name", ["convnet-student", "resnet18"])
def test_bf16_gives_float32_close_to_float32(name: str) -> None:
    images = torch.rand(4, 3, 32, 32)
    plain = _build(name).eval()
    fast = _build(name, acceleration=Acceleration(precision="bf16")).eval()
    with torch.no_grad():
        expected, found = plain.features(images), fast.features(images)
        assert found.dtype == fast(images).dtype == torch.float32
    assert not torch.equal(found, expected)
    error = float((found - expected).norm() / expected.norm())
    assert error < 0.05  # bf16 keeps 8 bits: 0.4% an operation


def test_bf16_leaves_weights_and_gradients_in_float32() -> None:
    network = _build("convnet-student", acceleration=Acceleration(precision="bf16"))
    network(torch.rand(4, 3, 32, 32)).sum().backward()
    kinds = {(weight.dtype, weight.grad.dtype) for weight in network.parameters()}  # type: ignore[union-attr]
    assert kinds == {(torch.float32, torch.float32)}


def test_memory_order_is_that_which_was_asked_for_and_changes_no_logit() -> None:
    images = torch.rand(4, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    last = _build("convnet-student").eval()
    first = _build("convnet-student", acceleration=Acceleration(channels_last=False)).eval()
    weight = next(first.extractor.parameters())
    assert weight.is_contiguous()
    assert not next(last.extractor.parameters()).is_contiguous()
    torch.testing.assert_close(first(images), last(images))


def test_a_compiled_network_has_the_same_weights_by_name() -> None:
    compiled = _build("convnet-student", acceleration=Acceleration(compiled=True))
    assert list(compiled.state_dict()) == list(_build("convnet-student").state_dict())


def test_keeping_statistics_restores_the_momentum() -> None:
    layer = nn.BatchNorm2d(2)
    with keeping_statistics(layer):
        layer(torch.randn(4, 2, 3, 3))
    torch.testing.assert_close(layer.running_mean, torch.zeros(2))
    assert layer.momentum == 0.1
    layer(torch.ones(4, 2, 3, 3))
    torch.testing.assert_close(layer.running_mean, torch.full((2,), 0.1))
