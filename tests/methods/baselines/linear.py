"""A classifier whose features are its pixels, for values worked by hand."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dgsearch.methods.networks import Classifier


def linear(weight: Tensor) -> Classifier:
    """Logits are the pixels times `weight`, (K, pixels); the bias is zero."""
    network = Classifier(nn.Flatten(), weight.shape[1], len(weight), normalise=nn.Identity())
    with torch.no_grad():
        network.head.weight.copy_(weight)
        network.head.bias.zero_()
    return network
