"""AuG-KD's three small networks: generator G, encoder E and anchor network A.

Their shapes follow the released code for 32x32 images and scale with the image; widths are
options. Shapes: B samples, K classes, L latent dimensions, H = W pixels, s = H / 4.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgsearch.methods.augkd.equations import compose_anchor

_LOG_VARIANCE = (-5.0, 3.0)
_NOISE = 10.0
_UNIFORM = 0.08


class Generator(nn.Module):
    """From latent vectors to images; unconditional.

    Shape:
        z (B, L) -> images (B, 3, H, W) in (0, 1).

    Attributes:
        shape: Channels, height and width of what the first layer makes.
    """

    def __init__(
        self, latent: int, width: int, image_size: int, *, official: bool = False
    ) -> None:
        """Two doublings of the side from s, `width` channels at first.

        `official`: without the biases before batch norm, as released.
        """
        super().__init__()
        bias = not official
        self.shape = (width, image_size // 4, image_size // 4)
        self.project = nn.Linear(latent, width * (image_size // 4) ** 2)
        self.layers = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(width, width // 2, 3, padding=1, bias=bias),
            nn.BatchNorm2d(width // 2),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(width // 2, width // 4, 3, padding=1, bias=bias),
            nn.BatchNorm2d(width // 4),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width // 4, 3, 3, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, z: Tensor) -> Tensor:
        """G(z)."""
        images: Tensor = self.layers(self.project(z).unflatten(1, self.shape))
        return images


class Encoder(nn.Module):
    """From images and labels to a normal distribution over latent vectors.

    Shape:
        images (B, 3, H, W) in [0, 1], labels (B,) -> mean (B, L), log variance (B, L).
    """

    def __init__(
        self,
        latent: int,
        width: int,
        num_classes: int,
        image_size: int,
        *,
        official: bool = False,
    ) -> None:
        """Two halvings of the side, `width` channels at last.

        `official`: every second pixel instead of means of four, no biases before batch norm and
        uniform weights within 0.08, as released.
        """
        super().__init__()
        bias = not official
        self._num_classes = num_classes
        self._side = image_size
        self.label_plane = nn.Linear(num_classes, image_size**2)
        self.image_planes = nn.Conv2d(3, 3, 1)
        self.layers = nn.Sequential(
            nn.BatchNorm2d(4),
            _Nearest() if official else nn.AvgPool2d(2),
            nn.Conv2d(4, width // 4, 3, padding=1, bias=bias),
            nn.BatchNorm2d(width // 4),
            nn.LeakyReLU(0.2),
            _Nearest() if official else nn.AvgPool2d(2),
            nn.Conv2d(width // 4, width // 2, 3, padding=1, bias=bias),
            nn.BatchNorm2d(width // 2),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width // 2, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.Tanh(),
            nn.Flatten(),
        )
        size = width * (image_size // 4) ** 2
        self.mean = nn.Linear(size, latent)
        self.log_variance = nn.Linear(size, latent)
        if official:
            _draw_uniform(self, (nn.Linear, nn.Conv2d))

    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of E(x, y), the latter within [-5, 3]."""
        one_hot = F.one_hot(labels, self._num_classes).to(images.dtype)
        plane = self.label_plane(one_hot).unflatten(1, (1, self._side, self._side))
        seen = self.layers(torch.cat([self.image_planes(images), plane], dim=1))
        return self.mean(seen), self.log_variance(seen).clamp(*_LOG_VARIANCE)

    def sample(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Z ~ E(x, y), (B, L); the noise is cut at 10 deviations."""
        mean, log_variance = self(images, labels)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        drawn: Tensor = mean + (0.5 * log_variance).exp() * noise.clamp(-_NOISE, _NOISE)
        return drawn


class AnchorNet(nn.Module):
    """From a latent vector and its label to the anchor's latent vector.

    A mask per class marks the dimensions that belong to the domain; a mapping fills them anew
    from the masked vector. The mask covers [0, 1); the released code's stops at 1/3.

    Shape:
        z (B, L), labels (B,) -> anchors (B, L), mask (B, L).
    """

    def __init__(self, latent: int, num_classes: int, *, official: bool = False) -> None:
        """Build it for L and K.

        `official`: four linear layers without activations to a mask that stops at 1/3, slopes
        of 0.01 and uniform weights within 0.08, as released.
        """
        super().__init__()
        self._num_classes = num_classes
        self._stretch = 1 if official else 3
        slope = 0.01 if official else 0.2
        between: list[nn.Module] = []
        for _ in range(3 if official else 2):
            between += [] if official else [nn.LeakyReLU(0.2)]
            between += [nn.Linear(latent, latent)]
        self.to_mask = nn.Sequential(
            nn.Linear(num_classes, latent), *between, nn.BatchNorm1d(latent)
        )
        layers: list[nn.Module] = []
        for inside, outside in ((1, 4), (4, 8), (8, 4)):
            layers += [
                nn.Conv1d(inside, outside, 3, padding=1),
                nn.BatchNorm1d(outside),
                nn.LeakyReLU(slope),
            ]
        self.mapping = nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * latent, latent))
        if official:
            _draw_uniform(self, (nn.Linear,))

    def mask(self, labels: Tensor) -> Tensor:
        """m(y) in [0, 1), (B, L); official: in [0, 1/3)."""
        one_hot = F.one_hot(labels, self._num_classes).float()
        centred = self.to_mask(one_hot).sigmoid() - 0.5
        return self._stretch * F.softsign(centred).relu()

    def forward(self, z: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Anchors and mask."""
        mask = self.mask(labels)
        mapped = self.mapping((mask * z)[:, None, :])
        return compose_anchor(z, mapped, mask), mask


class _Nearest(nn.Module):
    """Every second pixel of every second line: (B, C, H, W) -> (B, C, H / 2, W / 2)."""

    def forward(self, images: Tensor) -> Tensor:
        return F.interpolate(images, scale_factor=0.5)


def _draw_uniform(network: nn.Module, kinds: tuple[type[nn.Module], ...]) -> None:
    """Weights from U(-0.08, 0.08), biases 0: the released code's, for linear layers and 2-D."""
    for part in network.modules():
        if isinstance(part, kinds) and isinstance(part, nn.Linear | nn.Conv2d):
            nn.init.uniform_(part.weight, -_UNIFORM, _UNIFORM)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
