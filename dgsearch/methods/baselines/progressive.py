"""Progressive random convolutions: one small random block, applied to the images many times.

[Choi23] is arXiv:2304.00424 (Pro-RandConv, CVPR 2023). No code of its authors was found and the
full text was not at hand: equations and defaults are those on which public reproductions agree,
METU's CENG502 of spring 2024 (which shows the paper's Eqs. 1 to 4 and Algorithm 1) and the module
`pro_rand_conv` of dqj5182/FECO_RELEASE at 5a88128. Shapes: B images of C = 3 channels and H x W
pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.methods.baselines.joined import JOINED, joined_loss
from dgsearch.methods.baselines.regions import low_frequency_noise
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings, SingleDomain
from dgsearch.space import Float, Int, Space

_SIZE = 3  # k, the side of a kernel
_CHANNELS = 3
_LEAST = 1e-4  # ε, the lower end of what deviations are drawn from; the paper says a small value
_TINY = 1e-6  # keeps an even image from being divided by zero
_FIELD_DECAY = 5.0  # of the offsets' amplitude with their frequency, as two reproductions have it


@dataclass(frozen=True)
class Block:
    """A random convolution block, the same for every image of a batch [Choi23, Fig. 3].

    Attributes:
        kernel: w, (C, C, k, k).
        offsets: Δp, (2 k^2, H, W), in pixels; down and right for each place of the kernel.
        scale: γ, (C).
        shift: β, (C).
    """

    kernel: Tensor
    offsets: Tensor
    scale: Tensor
    shift: Tensor

    def __call__(self, images: Tensor) -> Tensor:
        """Deformable convolution (Eq. 2), standardisation and affine map (Eqs. 3, 4), tanh.

        Args:
            images: (B, C, H, W), around 0; zeros lie outside.

        Returns:
            (B, C, H, W) in [-1, 1].
        """
        flat = standardised(deformable_convolution(images, self.kernel, self.offsets))
        return torch.tanh(self.scale[:, None, None] * flat + self.shift[:, None, None])


def deformable_convolution(images: Tensor, kernel: Tensor, offsets: Tensor) -> Tensor:
    """Convolution that takes pixels a little beside their places [Choi23, Eq. 2].

    `torchvision.ops.deform_conv2d` with the same offsets for every image. These are sampled as
    channels of one image, which is faster on a CPU.

    Args:
        images: (B, C, H, W); zeros lie outside, and between pixels it is bilinear.
        kernel: (C', C, k, k).
        offsets: (2 k^2, H, W), in pixels; down and right for each place of the kernel.

    Returns:
        (B, C', H, W).
    """
    count, channels, height, width = images.shape
    size, device = kernel.shape[-1], images.device
    spots = offsets.reshape(size, size, 2, height, width)
    around = torch.arange(size, device=device) - size // 2
    down = (
        spots[:, :, 0] + around[:, None, None, None] + torch.arange(height, device=device)[:, None]
    )
    right = spots[:, :, 1] + around[:, None, None] + torch.arange(width, device=device)
    places = torch.stack([2 * right / (width - 1), 2 * down / (height - 1)], dim=-1) - 1
    taken = F.grid_sample(
        images.reshape(1, count * channels, height, width),
        places.reshape(1, -1, width, 2),
        align_corners=True,
    )  # (1, B C, k k H, W)
    pixels = taken.reshape(count, channels, size, size, height, width)
    return torch.einsum("bcijhw,ocij->bohw", pixels, kernel)


def standardised(images: Tensor) -> Tensor:
    """Each channel of each image with mean 0 and variance 1 [Choi23, Eq. 4].

    Args:
        images: (B, C, H, W); a channel of one value becomes 0.
    """
    variance, mean = torch.var_mean(images, dim=(2, 3), keepdim=True, correction=0)
    return (images - mean) / (variance + _TINY).sqrt()


def smoothing(deviation: Tensor) -> Tensor:
    """What a kernel's weights are multiplied by: exp(-(i^2 + j^2) / 2 σ_g^2).

    Args:
        deviation: σ_g > 0, scalar, in pixels.

    Returns:
        (k, k); 1 in the middle.
    """
    places = torch.arange(_SIZE, device=deviation.device) - _SIZE // 2
    squares = places[:, None].square() + places.square()
    return (-squares / (2 * deviation.square())).exp()


def drawn_block(
    height: int, width: int, *, deformation: float, contrast: float, random: torch.Generator
) -> Block:
    """A block as Algorithm 1 of [Choi23] draws it for a batch.

    Weights are from N(0, 1 / (k^2 C)) times `smoothing` of σ_g from U(ε, 1); offsets are
    Gaussian random fields of deviation σ_Δ from U(ε, b_Δ); γ and β are from N(0, σ^2).

    Args:
        height: H, pixels.
        width: W, pixels.
        deformation: b_Δ >= 0, pixels.
        contrast: σ of γ and β, >= 0.
        random: On the device of the images.
    """
    device = random.device
    shape = (_CHANNELS, _CHANNELS, _SIZE, _SIZE)
    blur, spread = _LEAST + torch.rand(2, generator=random, device=device) * (1 - _LEAST)
    weights = torch.randn(shape, generator=random, device=device)
    weights = weights / math.sqrt(_SIZE**2 * _CHANNELS)
    fields = torch.stack(
        [
            low_frequency_noise(height, width, decay=_FIELD_DECAY, random=random)
            for _ in range(2 * _SIZE**2)
        ]
    )  # (2 k^2, H, W)
    affine = contrast * torch.randn(2, _CHANNELS, generator=random, device=device)
    offsets = deformation * spread * standardised(fields[None])[0]
    return Block(weights * smoothing(blur), offsets, affine[0], affine[1])


def progressively_changed(images: Tensor, block: Block, *, repetitions: int) -> Tensor:
    """Images under a block, again and again.

    Args:
        images: (B, C, H, W) in [0, 1].
        block: Works on [-1, 1].
        repetitions: L >= 0.

    Returns:
        (B, C, H, W) in [0, 1].
    """
    found = images * 2 - 1
    for _ in range(repetitions):
        found = block(found)
    return (found + 1) / 2


def _loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    """Mean of the cross-entropies on the images and on the changed ones [Choi23, Algorithm 1]."""
    values, random = settings.values, settings.random
    height, width = batch.images.shape[-2:]
    block = drawn_block(
        height,
        width,
        deformation=values.number("deformation"),
        contrast=values.number("contrast_deviation"),
        random=random,
    )
    most = values.integer("most_repetitions")
    repetitions = int(torch.randint(most, (), generator=random, device=random.device)) + 1
    with torch.no_grad():
        changed = progressively_changed(batch.images, block, repetitions=repetitions)
    return joined_loss(network, batch, changed, settings)


PRO_RANDCONV = SingleDomain(
    name="pro_randconv",
    summary="images under one small random convolution many times over, with the plain ones "
    "(Pro-RandConv, arXiv:2304.00424)",
    loss=_loss,
    families=("convolution", "colour", "brightness", "contrast", "solarise", "blur"),
    diagnostics=JOINED,
    own=Space(
        (
            Int(
                name="most_repetitions",
                symbol="L_max",
                default=10,
                low=1,
                origin="paper",
                meaning="the block is applied 1 to so many times, drawn for each batch",
            ),
            Float(
                name="deformation",
                symbol="b_Δ",
                default=0.2,
                low=0,
                origin="paper",
                meaning="largest deviation of the offsets, pixels; 0.5 for images of 224 pixels",
            ),
            Float(
                name="contrast_deviation",
                symbol="σ_γ, σ_β",
                default=0.5,
                low=0,
                origin="paper",
                meaning="deviation of the factor and of the shift of each channel",
            ),
        )
    ),
)
