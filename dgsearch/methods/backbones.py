"""Backbones of torchvision as extractors, and where their weights come from.

Nothing is downloaded: weights lie in a file, or the error says which file belongs where.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from dgsearch.errors import MethodError
from dgsearch.space import Value

__all__ = ["BACKBONES", "Backbone", "load_weights", "weights_identity"]

IMAGENET = "imagenet"
NONE = "none"
_PAIRS = {  # hyperparameters of one network: its name, its weights
    "network": "weights",
    "teacher_network": "teacher_weights",
    "student_network": "student_weights",
}


@dataclass(frozen=True)
class Backbone:
    """A network of torchvision without its last layer.

    Attributes:
        name: As torchvision and study files write it.
        num_features: d, what its last layer takes.
        head: Name of its last layer.
        smallest_image: H = W in pixels below which nothing is left of the image.
    """

    name: str
    num_features: int
    head: str
    smallest_image: int = 8

    def build(self) -> nn.Module:
        """The extractor, images (B, 3, H, W) to features (B, d), with new weights."""
        from torchvision import models  # takes over a second to import

        network: nn.Module = models.get_model(self.name, weights=None)
        parent, _, last = self.head.rpartition(".")
        setattr(network.get_submodule(parent), last, nn.Identity())
        return network

    def imagenet_file(self) -> Path:
        """The file of torchvision's first ImageNet weights, where torch keeps what it fetches.

        Raises:
            MethodError: If it is not there, or not whole; says where it is to be had.
        """
        from torchvision import models

        url = str(models.get_model_weights(self.name).IMAGENET1K_V1.url)
        file = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
        if not file.is_file():
            raise MethodError(
                f"{self.name} with weights 'imagenet': {file} is missing; fetch {url} and put it "
                'there ($TORCH_HOME names another place), or write weights = "none"'
            )
        return file


BACKBONES = {
    item.name: item
    for item in (
        Backbone("resnet18", 512, "fc"),
        Backbone("resnet34", 512, "fc"),
        Backbone("resnet50", 2048, "fc"),
        Backbone("alexnet", 4096, "classifier.6", smallest_image=63),
        Backbone("mobilenet_v3_small", 1024, "classifier.3"),
    )
}


def load_weights(extractor: nn.Module, name: str, weights: str) -> None:
    """Put weights from a file into an extractor; its last layer, if the file has one, is left out.

    Args:
        extractor: The network `name` without its head.
        name: Of the network.
        weights: "none" to leave it as it is, "imagenet", or the path of a file: safetensors, or
            a `.pth` of tensors alone, which is read by torch's restricted unpickler.

    Raises:
        MethodError: If the file is missing, damaged, or of another network.
    """
    if weights == NONE:
        return
    file = _file(name, weights)
    state = _read(file)
    head = BACKBONES[name].head if name in BACKBONES else "head"
    plain = {
        key.removeprefix("module.").removeprefix("extractor."): tensor
        for key, tensor in state.items()
        if not re.match(rf"(module\.)?({re.escape(head)}|head)\.", key)
    }
    try:
        extractor.load_state_dict(plain)
    except RuntimeError as error:
        first = " ".join(str(error).split())[:200]
        raise MethodError(f"{file}: these are not weights of {name}: {first}") from error


def weights_identity(values: Mapping[str, Value]) -> dict[str, str]:
    """Hash of every file of weights that hyperparameters name, by the hyperparameter.

    Args:
        values: What a stage reads; networks without a file are passed over.

    Raises:
        MethodError: If a file is missing.
    """
    return {
        weights: _digest(_file(str(values[network]), str(values[weights])))
        for network, weights in _PAIRS.items()
        if weights in values and network in values and values[weights] != NONE
    }


def _file(name: str, weights: str) -> Path:
    """The file in which weights lie."""
    if weights == IMAGENET:
        if name not in BACKBONES:
            raise MethodError(
                f"{name} has no weights 'imagenet', only {', '.join(BACKBONES)} have; write "
                'weights = "none" or the path of a file'
            )
        return BACKBONES[name].imagenet_file()
    file = Path(weights).expanduser()
    if not file.is_file():
        raise MethodError(
            f'{name} with weights {weights!r}: there is no such file; write "none", '
            '"imagenet", or the path of a .safetensors or .pth file'
        )
    return file


def _read(file: Path) -> Mapping[str, Tensor]:
    expected = re.search(r"-([0-9a-f]{8})\.pth$", file.name)  # as torchvision names its files
    if expected and not _digest(file).startswith(expected[1]):
        raise MethodError(f"{file} is damaged: its SHA-256 is not that of its name; fetch it anew")
    try:
        if file.suffix == ".safetensors":
            return cast(Mapping[str, Tensor], load_file(file))
        found: Any = torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, ValueError, RuntimeError, EOFError, KeyError) as error:
        raise MethodError(f"{file}: cannot be read as weights: {error}") from error
    except Exception as error:  # what the restricted unpickler refuses
        raise MethodError(f"{file}: holds more than tensors and is not read: {error}") from error
    state = found.get("state_dict", found) if isinstance(found, dict) else found
    if not isinstance(state, dict) or not all(isinstance(item, Tensor) for item in state.values()):
        raise MethodError(f"{file}: holds no tensors by name; save the network's state_dict()")
    return state


def _digest(file: Path) -> str:
    """SHA-256 of a file's content."""
    status = file.stat()
    return _digest_of(str(file), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=32)
def _digest_of(file: str, size: int, changed_at: int) -> str:
    with Path(file).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
