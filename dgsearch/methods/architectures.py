"""Networks of torchvision, of timm and of users as extractors; what they need is probed.

The last layer is found by the number of ImageNet's classes and taken away. The number of
features and the sizes that a network takes come from forward passes of meta tensors, which have
shapes and no content. Shapes: B images, H = W pixels, d features.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from dgsearch.errors import MethodError
from dgsearch.methods.network_names import TIMM, check_network, find_function

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of torchvision's weights, for pixels in [0, 1]
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
_CLASSES = 1000  # that torchvision's networks are built with
_OWN_SIZE = 224
SLOWEST_MOMENTUM = 0.05  # momentum below which statistics take longer than short trials
_MOMENTUM = 0.1  # PyTorch's default
_MISSHAPEN = (RuntimeError, AssertionError, ValueError, TypeError, IndexError, ZeroDivisionError)


@dataclass(frozen=True)
class Architecture:
    """A network before it gets a head for the classes at hand.

    Attributes:
        module: Images (B, 3, H, W) to features; a user's own may be a whole classifier.
        heads: Beginnings of the names of weights that belong to its last layer.
        mean: Of its normalisation, a number a channel; None: pixels in [0, 1] as they are.
        deviation: Likewise.
        own_size: H = W that it was designed for, in pixels.
    """

    module: nn.Module
    heads: tuple[str, ...] = ("head",)
    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None
    own_size: int = _OWN_SIZE


class Standardise(nn.Module):
    """Pixels less a mean, by a deviation, for each colour.

    Shape:
        images (B, 3, H, W) -> (B, 3, H, W).
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: tuple[float, ...], deviation: tuple[float, ...]) -> None:
        """Both hold a number a channel; they are no part of the weights."""
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """(x - mean) / deviation."""
        return (images - self.mean) / self.deviation


class Resize(nn.Module):
    """Images of any size at the one size that a network takes.

    Shape:
        images (B, C, H, W) -> (B, C, size, size), bilinear with antialiasing.
    """

    def __init__(self, size: int) -> None:
        """Resize to `size` pixels a side."""
        super().__init__()
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        """The images resized."""
        side = [self.size, self.size]
        return F.interpolate(images, side, mode="bilinear", antialias=True)


def find_architecture(name: str, *, num_classes: int, image_size: int) -> Architecture:
    """A network by its name, with weights drawn from the global generator.

    Args:
        name: Of torchvision, `timm/NAME`, a plug-in, or `package.module:function`.
        num_classes: K, for functions that ask for it.
        image_size: H = W in pixels, for functions that ask for it.

    Raises:
        MethodError: If there is no such network, or what makes it fails.
    """
    try:
        check_network(name)
        function = find_function(name)
    except ValueError as error:
        raise MethodError(f"network = {name!r}: {error}") from error
    if function is not None:
        return _users(name, function, {"num_classes": num_classes, "image_size": image_size})
    return _timm(name.removeprefix(TIMM)) if name.startswith(TIMM) else _torchvision(name)


def whole_network(
    name: str, *, num_classes: int, image_size: int, channels: int
) -> tuple[nn.Module, nn.Module]:
    """A classifier with its own last layer, and the normalisation that belongs to it.

    Args:
        name: Of torchvision, `timm/NAME`, a plug-in, or `package.module:function`.
        num_classes: Its outputs.
        image_size: H = W in pixels, for functions that ask for it.
        channels: C, for functions that ask for it.

    Returns:
        Images (B, C, H, W) to logits; what its pixels in [0, 1] go through before.

    Raises:
        MethodError: If there is no such network.
    """
    try:
        check_network(name)
        function = find_function(name)
    except ValueError as error:
        raise MethodError(f"teacher.network = {name!r}: {error}") from error
    if function is not None:
        known = dict.fromkeys(("image_size", "input_size", "img_size"), image_size)
        known |= dict.fromkeys(("channels", "in_channels", "in_chans"), channels)
        return _users(name, function, known | {"num_classes": num_classes}).module, nn.Identity()
    if name.startswith(TIMM):
        timm = import_module("timm")
        made: nn.Module = timm.create_model(
            name.removeprefix(TIMM), pretrained=False, num_classes=num_classes, in_chans=channels
        )
        config = dict(getattr(made, "pretrained_cfg", {}))
        mean, deviation = config.get("mean", IMAGENET_MEAN), config.get("std", IMAGENET_DEVIATION)
        return made, Standardise(tuple(mean)[:channels], tuple(deviation)[:channels])
    from torchvision import models  # takes over a second to import

    network: nn.Module = models.get_model(name, weights=None, num_classes=num_classes)
    return network, Standardise(IMAGENET_MEAN, IMAGENET_DEVIATION)


def fit_size(name: str, architecture: Architecture, image_size: int) -> Resize | None:
    """What makes images fit a network: nothing, or resizing to the only size that it takes.

    Args:
        name: For the message.
        architecture: The network.
        image_size: H = W in pixels of the data.

    Raises:
        MethodError: If it takes larger images of any size; names the smallest.
    """
    takes, own = architecture.module, architecture.own_size
    if feature_shape(takes, image_size) is not None:
        return None
    if feature_shape(takes, own) is None:
        raise MethodError(
            f"{name} takes images of neither {image_size} nor {own} pixels a side; it must map "
            "(B, 3, H, W) to (B, d)"
        )
    if feature_shape(takes, own + own // 7) is None:  # 256 beside 224
        return Resize(own)
    low, high = image_size, own
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if feature_shape(takes, middle) else (middle, high)
    raise MethodError(
        f"{name} needs images of at least {high} pixels a side, got {image_size}; raise "
        "data.image_size or choose another network"
    )


def feature_shape(module: nn.Module, image_size: int, channels: int = 3) -> tuple[int, ...] | None:
    """Shape of what two images become, by meta tensors; None if they do not fit.

    Args:
        module: Images to features.
        image_size: H = W in pixels.
        channels: C.
    """
    was_training = module.training
    tensors = chain(module.named_parameters(), module.named_buffers())
    state = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors}
    images = torch.empty(2, channels, image_size, image_size, device="meta")
    module.eval()
    try:
        with torch.no_grad():
            found = torch.func.functional_call(module, state, (images,))
    except NotImplementedError:  # an operation without shapes: compute it
        return _computed_shape(module, image_size, channels)
    except _MISSHAPEN:
        return None
    finally:
        module.train(was_training)
    return tuple(found.shape) if isinstance(found, Tensor) else None


def batch_norms(network: nn.Module) -> list[_BatchNorm]:
    """Every batch norm of a network, of any dimension."""
    return [part for part in network.modules() if isinstance(part, _BatchNorm)]


def raise_momentum(network: nn.Module) -> None:
    """Give batch norms of slow running statistics PyTorch's momentum.

    Networks like `mobilenet_v3_small` (0.01) and `mnasnet1_0` (0.0003) keep the statistics that
    they start with for hundreds of steps, which is right only beside trained weights.
    """
    for layer in batch_norms(network):
        if layer.momentum is not None and layer.momentum < SLOWEST_MOMENTUM:
            layer.momentum = _MOMENTUM


def unready_statistics(network: nn.Module, *, steps: int) -> list[str]:
    """A sentence where training was too short for the running statistics of batch norms.

    After n steps the first statistics still weigh (1 - momentum)^n, 37% at n = 1 / momentum.

    Args:
        network: As it was trained.
        steps: How often its running statistics were updated.
    """
    momenta = [layer.momentum for layer in batch_norms(network) if layer.momentum]
    if not momenta or steps * min(momenta) >= 1:
        return []
    rest = (1 - min(momenta)) ** steps
    return [
        f"the batch norms have momentum {min(momenta):.2g} and were trained for {steps} steps: "
        f"{rest:.0%} of their running statistics is still what they started with, so accuracy "
        f"is that of an unready network; train at least {math.ceil(1 / min(momenta))} steps"
    ]


def _computed_shape(module: nn.Module, image_size: int, channels: int) -> tuple[int, ...] | None:
    try:
        with torch.no_grad():
            found = module(torch.zeros(2, channels, image_size, image_size))
    except _MISSHAPEN:
        return None
    return tuple(found.shape) if isinstance(found, Tensor) else None


def _torchvision(name: str) -> Architecture:
    from torchvision import models  # takes over a second to import

    plain = {"aux_logits": False, "init_weights": True}  # no second and third head
    options = plain if name in ("googlenet", "inception_v3") else {}
    network: nn.Module = models.get_model(name, weights=None, **options)
    head = [key for key, part in network.named_modules() if _width(part) == _CLASSES][-1]
    parent, _, last = head.rpartition(".")
    setattr(network.get_submodule(parent), last, nn.Identity())
    heads = (head, "head", "aux1", "aux2", "AuxLogits") if options else (head, "head")
    return Architecture(network, heads, IMAGENET_MEAN, IMAGENET_DEVIATION)


def _width(part: nn.Module) -> int:
    """Outputs of a linear layer or a convolution."""
    found = getattr(part, "out_features", None) or getattr(part, "out_channels", 0)
    return found if isinstance(found, int) else 0


def _timm(name: str) -> Architecture:
    """A model of timm without its head, with its own normalisation and input size."""
    timm = import_module("timm")
    network: nn.Module = timm.create_model(name, pretrained=False, num_classes=0)
    config: dict[str, Any] = dict(getattr(network, "pretrained_cfg", {}))
    heads = config.get("classifier") or ()
    return Architecture(
        network,
        (*((heads,) if isinstance(heads, str) else tuple(heads)), "head"),
        tuple(config.get("mean", IMAGENET_MEAN)),
        tuple(config.get("std", IMAGENET_DEVIATION)),
        int(config.get("input_size", (3, _OWN_SIZE, _OWN_SIZE))[-1]),
    )


def _users(name: str, function: Callable[..., Any], known: dict[str, int]) -> Architecture:
    """What a user's function makes; it gets the classes and the size where it asks for them."""
    made = function(**{key: known[key] for key in known if key in _parameters(function)})
    if not isinstance(made, nn.Module):
        raise MethodError(
            f"network = {name!r}: made {type(made).__name__}, not a torch.nn.Module; it must "
            "return a module that maps (B, 3, H, W) to (B, d), or a dgsearch Classifier"
        )
    return Architecture(made)


def _parameters(function: Callable[..., Any]) -> Sequence[str]:
    try:
        return tuple(inspect.signature(function).parameters)
    except ValueError:  # built in C
        return ()
