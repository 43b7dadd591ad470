"""MPBM's two small networks: the mixup generator g_φ and the discriminator D_ω."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MixupGenerator(nn.Module):
    """The projections of the attention: W_q, W_k and W_v, square and without bias.

    W_v starts as the identity, so that a synthetic vector begins as a convex mix of real ones,
    feature by feature; W_q and W_k start with Xavier's weights. Both are this project's choice.

    Shape:
        features (..., d) -> query, key or value (..., d).
    """

    def __init__(self, num_features: int) -> None:
        """Build the projections for d = `num_features`."""
        super().__init__()
        self.to_query = nn.Linear(num_features, num_features, bias=False)
        self.to_key = nn.Linear(num_features, num_features, bias=False)
        self.to_value = nn.Linear(num_features, num_features, bias=False)
        nn.init.xavier_uniform_(self.to_query.weight)
        nn.init.xavier_uniform_(self.to_key.weight)
        with torch.no_grad():
            self.to_value.weight.copy_(torch.eye(num_features))


class Discriminator(nn.Module):
    """Real or synthetic: d -> 256 -> 256 -> 1 with leaky ReLU, a choice of this project.

    Shape:
        features (B, d) -> logits (B,); positive means real.
    """

    def __init__(self, num_features: int) -> None:
        """Build it for d = `num_features`."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(num_features, 256),
            nn.LeakyReLU(0.2),
            nn.Linear(256, 256),
            nn.LeakyReLU(0.2),
            nn.Linear(256, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Logits (B,) of the features being real."""
        logits: Tensor = self.layers(features)
        return logits.squeeze(-1)
