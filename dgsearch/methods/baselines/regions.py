"""Mixing by regions: some pixels come from one image, the others from another.

[Yun19] is arXiv:1905.04899, [Harris20] is arXiv:2002.12047. Shapes: B images of C channels and
H x W pixels, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.methods.baselines.global_random import seeded_by
from dgsearch.methods.losses import soft_cross_entropy
from dgsearch.methods.mixup import alpha_of, drawn_order, mix_pairs, mixup_weight
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings, SingleDomain
from dgsearch.space import Float, Space


def low_frequency_noise(
    height: int, width: int, *, decay: float, random: torch.Generator
) -> Tensor:
    """Noise whose amplitude falls with the frequency to the power of `decay` [Harris20].

    Args:
        height: H >= 2, pixels.
        width: W >= 2, pixels.
        decay: δ >= 0; a larger δ gives larger regions, 0 white noise.
        random: Draws the spectrum.

    Returns:
        (H, W), real, on the generator's device.
    """
    device = random.device
    rows = torch.fft.fftfreq(height, device=device)[:, None]
    columns = torch.fft.rfftfreq(width, device=device)
    frequency = (rows**2 + columns**2).sqrt().clamp(min=1 / max(height, width))
    drawn = torch.randn(2, *frequency.shape, generator=random, device=device)
    spectrum = torch.complex(*drawn) / frequency**decay
    noise: Tensor = torch.fft.irfft2(spectrum, s=(height, width))
    return noise


def largest_share(values: Tensor, share: Tensor) -> Tensor:
    """A mask of the largest of some values, as many as their share says [Harris20].

    Args:
        values: (H, W).
        share: λ, scalar in [0, 1].

    Returns:
        (H, W), float, 1 at the round(λ H W) largest values and 0 elsewhere.
    """
    count = (share * values.numel()).round()
    rank = values.flatten().argsort(descending=True).argsort()
    return (rank < count).to(values.dtype).reshape(values.shape)


def _cut_images(batch: Batch, settings: Settings) -> Mapping[str, Tensor]:
    """Images with a rectangle of their neighbour in the batch, and their labels."""
    from torchvision.transforms import v2  # takes over a second to import

    alpha = settings.values.number("cutmix_alpha")
    transform = v2.CutMix(alpha=alpha, num_classes=settings.num_classes)
    with seeded_by(settings.random):
        images, target = transform(batch.images, batch.labels)
    return {"images": images, "target": target}


def _cutmix_loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    """Cross-entropy on images with a rectangle of another one [Yun19, Eq. 1]."""
    return soft_cross_entropy(network(settings.prepared["images"]), settings.prepared["target"])


def _drawn_mask(batch: Batch, settings: Settings) -> Mapping[str, Tensor]:
    """One mask a batch, (H, W), and whom each image is mixed with, (B,)."""
    values, random = settings.values, settings.random
    height, width = batch.images.shape[-2:]
    share = mixup_weight(values.number("mixup_alpha"), random)
    noise = low_frequency_noise(
        height, width, decay=values.number("frequency_decay"), random=random
    )
    return {"mask": largest_share(noise, share), "order": drawn_order(len(batch), random)}


def _fmix_loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    """Cross-entropy on images mixed by one mask a batch; labels by the mask's true share."""
    mask, order = settings.prepared["mask"], settings.prepared["order"]
    one_hot = F.one_hot(batch.labels, settings.num_classes).float()
    images = mix_pairs(batch.images, mask, order)
    return soft_cross_entropy(network(images), mix_pairs(one_hot, mask.mean(), order))


CUTMIX = SingleDomain(
    name="cutmix",
    summary="a rectangle of each image from another one, labels by area (arXiv:1905.04899)",
    loss=_cutmix_loss,
    prepare=_cut_images,
    fused_over=("cutmix_alpha",),
    families=("occlusion",),
    own=Space(
        (
            Float(
                name="cutmix_alpha",
                symbol="α",
                default=1.0,
                low=0,
                open_low=True,
                log=True,
                origin="paper",
                meaning="of Beta(α, α), from which the share of a rectangle is drawn",
            ),
        )
    ),
)
FMIX = SingleDomain(
    name="fmix",
    summary="regions of low-frequency noise from another image (arXiv:2002.12047)",
    loss=_fmix_loss,
    prepare=_drawn_mask,
    fused_over=("mixup_alpha", "frequency_decay"),
    families=("occlusion",),
    own=Space(
        (
            alpha_of(1.0),
            Float(
                name="frequency_decay",
                symbol="δ",
                default=3.0,
                low=0,
                origin="paper",
                meaning="power by which the noise falls with its frequency; more: larger regions",
            ),
        )
    ),
)
