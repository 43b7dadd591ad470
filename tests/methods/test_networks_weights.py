from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision import models

from dgsearch.errors import MethodError
from dgsearch.methods import backbones
from dgsearch.methods.backbones import imagenet_file, weights_identity
from dgsearch.methods.networks import Classifier, build_network

CPU = torch.device("cpu")


def _build(weights: str, name: str = "mobilenet_v3_small") -> Classifier:
    return build_network(name, num_classes=3, image_size=32, seed=0, device=CPU, weights=weights)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return dict(models.mobilenet_v3_small(weights=None).state_dict())


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where torch keeps what it fetches."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_weights_come_from_a_file_and_the_head_does_not(
    tmp_path: Path, state: dict[str, Tensor], ending: str
) -> None:
    file = tmp_path / f"w.{ending}"
    if ending == "pth":
        torch.save({"state_dict": {f"module.{key}": item for key, item in state.items()}}, file)
    else:
        save_file(state, file)
    network = _build(str(file))
    loaded = network.extractor.state_dict()
    assert all(torch.equal(loaded[key], state[key]) for key in loaded)
    assert torch.equal(network.head.weight, _build("none").head.weight)


def test_weights_of_an_own_classifier_are_read_too(tmp_path: Path) -> None:
    before = build_network("convnet-small", num_classes=7, image_size=32, seed=3, device=CPU)
    state = {name: item.contiguous() for name, item in before.state_dict().items()}
    save_file(state, tmp_path / "own.safetensors")
    after = _build(str(tmp_path / "own.safetensors"), "convnet-small")
    pairs = zip(before.extractor.parameters(), after.extractor.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("name", ["resnet18", "convnext_tiny", "vit_b_16", "regnet_y_128gf"])
def test_missing_imagenet_weights_say_what_to_fetch_and_where_it_goes(
    hub: Path, name: str
) -> None:
    with pytest.raises(MethodError) as raised:
        imagenet_file(name)
    text = str(raised.value)
    choice = models.get_model_weights(name)
    url = getattr(choice, "IMAGENET1K_V1", choice.DEFAULT).url
    assert f"{hub / url.rpartition('/')[2]} is missing; fetch {url} and put it there" in text
    assert 'or write weights = "none"' in text


def test_imagenet_weights_that_are_there_are_used(
    hub: Path, state: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = hub / "made.pth"
    torch.save(state, file)
    whole = hashlib.sha256(file.read_bytes()).hexdigest()[:8]
    named = file.rename(hub / f"mobilenet-{whole}.pth")
    monkeypatch.setattr(backbones, "imagenet_file", lambda _: named)
    found = _build("imagenet").extractor.state_dict()
    assert torch.equal(found["features.0.0.weight"], state["features.0.0.weight"])


def test_a_file_that_is_not_whole_is_told_by_the_hash_in_its_name(
    tmp_path: Path, state: dict[str, Tensor]
) -> None:
    file = tmp_path / "mobilenet_v3_small-047dcff4.pth"
    torch.save(state, file)
    with pytest.raises(MethodError, match=r"047dcff4\.pth is damaged: its SHA-256 is not that"):
        _build(str(file))


def test_imagenet_weights_of_an_own_network_are_an_error() -> None:
    with pytest.raises(
        MethodError, match=r"convnet-small has no weights 'imagenet', only the networks of torch"
    ):
        _build("imagenet", "convnet-small")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(MethodError, match=r"with weights '/no/w\.pth': there is no such file"):
        _build("/no/w.pth")


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"PK\x03\x04 half an archive"])
@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes, ending: str) -> None:
    file = tmp_path / f"w.{ending}"
    file.write_bytes(content)
    with pytest.raises(MethodError, match=rf"w\.{ending}: (cannot be read|holds more)"):
        _build(str(file))


class _Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (os.environ["HARMED"],)


def test_a_harmful_file_is_refused_and_not_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARMED", str(tmp_path / "harmed"))
    torch.save({"a": _Harmful()}, tmp_path / "w.pth", pickle_module=pickle)
    with pytest.raises(MethodError, match="holds more than tensors and is not read"):
        _build(str(tmp_path / "w.pth"))
    assert not (tmp_path / "harmed").exists()


def test_weights_of_another_network_are_named(tmp_path: Path, state: dict[str, Tensor]) -> None:
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(MethodError, match=r"w\.safetensors: these are not weights of resnet18"):
        _build(str(tmp_path / "w.safetensors"), "resnet18")


def test_something_else_than_tensors_by_name_is_named(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "w.pth")
    with pytest.raises(MethodError, match=r"holds no tensors by name; save .*state_dict"):
        _build(str(tmp_path / "w.pth"))


def test_the_identity_of_weights_is_the_content_of_their_file(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_file({"a": torch.zeros(2)}, file)
    values = {"network": "resnet18", "weights": str(file), "lr": 0.1}
    first = weights_identity(values)
    moved = file.rename(tmp_path / "moved.safetensors")
    assert weights_identity({**values, "weights": str(moved)}) == first
    save_file({"a": torch.ones(2)}, moved)
    assert weights_identity({**values, "weights": str(moved)}) != first
    assert weights_identity({"network": "resnet18", "weights": "none"}) == {}
