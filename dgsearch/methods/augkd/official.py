"""`preset = "official"`: AuG-KD as its released code has it (IshiKura-a/AuG-KD, HEAD f0f6174).

It differs from the default in the networks (`modules.py`) and in how each stage trains and which
epoch it keeps. Some of it are slips of the released code: docs/augkd.md lists them all, with the
reason why the default departs. What no preset brings back is its look at test images.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgsearch.methods.architectures import Resize
from dgsearch.methods.augkd.equations import energy
from dgsearch.methods.base import Values

PRESET = "preset"
OFFICIAL_VERSION = 2  # of the stages that follow it
STUDENT_WEIGHT_DECAY = 1e-4  # its args.wd, in the data-free stage too
_LABEL_WEIGHT = 0.1
_WARM_UP_STEPS, _WARM_UP_SHARE = 5, 1 / 3  # the defaults of torch's ConstantLR


def is_official(values: Values) -> bool:
    """Whether a stage follows the released code; a stage reads it only where it does."""
    return PRESET in tuple(values)


def official_anchor_loss(
    logits: Tensor, labels: Tensor, mask: Tensor, *, invariant: float
) -> Tensor:
    """The released AnchorLoss: sums over the batch, the mask's sum against one sample's target.

    Args:
        logits: The teacher's on the anchors' images, (B, K).
        labels: Of the student's images, (B,).
        mask: m in [0, 1/3), (B, L).
        invariant: The share of the latent dimensions that an anchor keeps.
    """
    target = mask.shape[1] * (1 - invariant)
    label_loss = F.cross_entropy(logits, labels, reduction="sum")
    return energy(logits).sum() + (mask.sum() - target).abs() + _LABEL_WEIGHT * label_loss


class WarmUp:
    """The first five steps of an optimiser take a third of its learning rate.

    The released code means a constant rate, and steps `ConstantLR` with its defaults after each
    batch. It works in the optimiser's own hooks, so that a stage trains as it always does.

    Attributes:
        done: int64, (), steps so far; a checkpoint keeps it.
    """

    def __init__(self, optimiser: torch.optim.Optimizer) -> None:
        """Follow the steps of `optimiser` from now on."""
        self.done = torch.zeros((), dtype=torch.int64)
        self._rates: list[float] = []
        optimiser.register_step_pre_hook(lambda at, *_: self._before(at))
        optimiser.register_step_post_hook(lambda at, *_: self._after(at))

    def _before(self, optimiser: torch.optim.Optimizer) -> None:
        self._rates = [group["lr"] for group in optimiser.param_groups]
        if self.done < _WARM_UP_STEPS:
            for group in optimiser.param_groups:
                group["lr"] *= _WARM_UP_SHARE

    def _after(self, optimiser: torch.optim.Optimizer) -> None:
        for group, rate in zip(optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate
        self.done += 1


class _Raw(nn.Module):
    """A network's normalisation, left out for some images of a batch."""

    def __init__(self, normalise: nn.Module, raw: Tensor) -> None:
        super().__init__()
        self._normalise, self._raw = normalise, raw

    def forward(self, images: Tensor) -> Tensor:
        normalised: Tensor = self._normalise(images)
        size = normalised.shape[-2:]  # of a network that wants its images larger
        plain = images if images.shape[-2:] == size else Resize(size[0])(images)
        return torch.where(self._raw[:, None, None, None], plain, normalised)


@contextmanager
def seeing_raw(network: nn.Module, raw: Tensor) -> Iterator[None]:
    """Let a network take some images of a batch as they are, in [0, 1], without normalisation.

    Args:
        network: With a `normalise` of its own.
        raw: bool, (B,), the images that are not normalised.
    """
    kept = network.normalise
    assert isinstance(kept, nn.Module)
    network.normalise = _Raw(kept, raw)
    try:
        yield
    finally:
        network.normalise = kept
