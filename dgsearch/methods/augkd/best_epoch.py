"""Copies of networks as they were after the epoch of the lowest loss so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class BestEpoch:
    """Remembers networks of one stage; of several equal epochs the first.

    Attributes:
        kept: The copies by the networks' names.
        lowest: Scalar on the device, the loss that they had; infinite before the first epoch.
    """

    def __init__(self, copies: Mapping[str, nn.Module], *, device: torch.device) -> None:
        """Keep them in `copies`, networks of the same kinds whose weights do not matter."""
        self.kept = copies
        self.lowest = torch.full((), torch.inf, device=device)

    def look(self, networks: Mapping[str, nn.Module], loss: Tensor | float) -> None:
        """Copy the networks if their loss is lower than any before."""
        if loss < self.lowest:
            self.lowest.fill_(loss)
            for name, network in networks.items():
                self.kept[name].load_state_dict(network.state_dict())

    def product(self) -> dict[str, Any]:
        """The weights of every copy, by name."""
        return {name: network.state_dict() for name, network in self.kept.items()}
