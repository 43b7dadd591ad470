"""Networks of torchvision, timm, users and plug-ins: built by name, probed, never by a table."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch
from torch import nn

from dgsearch.errors import MethodError
from dgsearch.methods import network_names
from dgsearch.methods.architectures import feature_shape, raise_momentum, unready_statistics
from dgsearch.methods.listing import network_lines
from dgsearch.methods.network_names import check_network, code_identity
from dgsearch.methods.networks import Classifier, build_network
from dgsearch.methods.supervised import COMMON

CPU = torch.device("cpu")

OWN = """
from torch import nn
from dgsearch.methods.networks import Classifier

class Flat(nn.Module):
    def __init__(self, image_size):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(3 * image_size**2, 7), nn.ReLU())

    def forward(self, images):
        return self.layers(images)

def whole(num_classes):
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Classifier(pool, 3, num_classes, normalise=nn.Identity())

def number():
    return 3

def unpooled():
    return nn.Conv2d(3, 4, 3)
"""


def _build(name: str, *, size: int = 32) -> Classifier:
    return build_network(name, num_classes=5, image_size=size, seed=0, device=CPU)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of a user's own, importable for the time of a test."""
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


def test_a_module_of_features_gets_a_head_and_sees_pixels_as_they_are(own: str) -> None:
    network = _build(f"{own}:Flat", size=8)
    assert (network.num_features, network.smallest_batch) == (7, 1)
    images = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(network.features(images), network.extractor(images))
    assert network(images).shape == (2, 5)


def test_a_whole_classifier_of_a_user_is_used_as_it_is(own: str) -> None:
    network = _build(f"{own}:whole")
    assert network.num_features == 3
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 5)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("number", "made int, not a torch.nn.Module"),
        ("unpooled", r"maps two images to \(2, 4, 30, 30\), not to \(2, d\); flatten or pool"),
        ("missing", "cannot be imported: .*has no attribute 'missing'"),
    ],
)
def test_what_is_no_network_of_a_user_is_named(own: str, function: str, message: str) -> None:
    with pytest.raises(MethodError, match=message):
        _build(f"{own}:{function}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet81", r"no such network among the \d+ .*did you mean 'resnet18'"),
        ("no_such_package.nets:make", "no module 'no_such_package.nets' can be imported"),
        ("timm/vit_tiny_patch16_242", "timm has no model .*did you mean 'vit_tiny_patch16_224'"),
    ],
)
def test_an_unknown_name_is_told_when_a_study_is_checked(name: str, message: str) -> None:
    with pytest.raises(MethodError, match=message):
        COMMON.resolve({"network": name})


def test_timm_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_names, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r'pip install "dgsearch\[timm\]"'):
        check_network("timm/resnet18")


def test_a_network_of_one_size_gets_images_of_that_size() -> None:
    network = _build("vit_b_32").eval()
    assert network.num_features == 768
    assert network.smallest_batch == 1  # no batch norm
    resized = network.normalise(torch.rand(1, 3, 32, 32))
    assert resized.shape == (1, 3, 224, 224)


def test_a_convolution_sees_the_images_at_their_own_size() -> None:
    network = _build("shufflenet_v2_x0_5")
    assert network.normalise(torch.rand(1, 3, 32, 32)).shape == (1, 3, 32, 32)
    assert network.num_features == 1024


def test_timm_brings_its_features_and_normalisation() -> None:
    network = _build("timm/vit_tiny_patch16_224").eval()
    assert network.num_features == 192
    grey = network.normalise(torch.full((1, 3, 32, 32), 0.5))
    assert grey.shape == (1, 3, 224, 224)
    torch.testing.assert_close(grey, torch.zeros_like(grey))  # mean and deviation 0.5


def test_probing_leaves_a_network_as_it_was() -> None:
    layer = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    assert feature_shape(layer, 8) == (2, 4, 6, 6)
    assert feature_shape(layer, 2) is None
    assert layer.training
    assert layer[1].num_batches_tracked == 0
    assert not layer[0].weight.is_meta


def test_slow_batch_norms_get_a_momentum_only_without_weights(tmp_path: Path) -> None:
    fresh = _build("mobilenet_v3_small")
    state = fresh.extractor.state_dict()
    torch.save(state, tmp_path / "w.pth")
    trained = build_network(
        "mobilenet_v3_small",
        num_classes=5,
        image_size=32,
        seed=0,
        device=CPU,
        weights=str(tmp_path / "w.pth"),
    )
    momenta = [
        {part.momentum for part in network.modules() if isinstance(part, nn.BatchNorm2d)}
        for network in (fresh, trained)
    ]
    assert momenta == [{0.1}, {0.01}]


def test_a_momentum_that_is_fast_enough_stays() -> None:
    layers = nn.Sequential(nn.BatchNorm2d(2, momentum=0.2), nn.BatchNorm2d(2, momentum=None))
    raise_momentum(layers)
    assert [layer.momentum for layer in layers] == [0.2, None]


def test_statistics_are_unready_before_one_over_momentum_steps() -> None:
    network = nn.BatchNorm2d(2, momentum=0.01)
    assert unready_statistics(network, steps=100) == []
    (said,) = unready_statistics(network, steps=50)
    assert "momentum 0.01 and were trained for 50 steps: 61% of" in said  # .99^50 = .605
    assert unready_statistics(nn.Linear(2, 2), steps=1) == []


def test_the_identity_of_a_network_covers_its_code(own: str, tmp_path: Path) -> None:
    before = code_identity({"network": f"{own}:Flat", "lr": 0.1})
    (tmp_path / f"{own}.py").write_text(f"{OWN}\n# changed", encoding="utf-8")
    network_names._source_hash.cache_clear()
    after = code_identity({"network": f"{own}:Flat", "lr": 0.1})
    assert list(before) == list(after) == ["network code"]
    assert before != after
    assert code_identity({"network": "resnet18", "teacher_network": "convnet-teacher"}) == {}


def test_a_plugin_adds_a_network(own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("pooled", f"{own}:whole", network_names.ENTRY_POINTS)
    monkeypatch.setattr("dgsearch.plugins.entry_points", lambda group: (entry,))
    network_names._plugins.cache_clear()
    try:
        assert _build("pooled").num_features == 3
        assert "pooled" in network_names.network_names()
        assert list(code_identity({"network": "pooled"})) == ["network code"]
    finally:
        network_names._plugins.cache_clear()


def test_the_listing_shows_details_of_a_few_and_names_of_many(own: str) -> None:
    (line,) = network_lines("vgg11_bn")
    assert line == (
        "vgg11_bn (torchvision): 4096 features, images from about 32 pixels, "
        "batch norm of momentum 0.1"
    )
    many = list(network_lines(None))
    assert many[0].startswith("dgsearch (4): convnet-small, ")
    assert many[1].startswith("torchvision (80): alexnet, ")
    assert next(network_lines(f"{own}:Flat")).startswith(f"{own}:Flat (your own): 7 features")
    with pytest.raises(MethodError, match="no name has this in it"):
        list(network_lines("nothing"))
