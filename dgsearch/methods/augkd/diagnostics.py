"""What tells whether AuG-KD's parts do what the paper says they do.

Shapes: B images of the student's domain, K classes, L latent dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dgsearch.data.batches import Batch
from dgsearch.methods.augkd.anchors import AnchorRule
from dgsearch.methods.augkd.data_free import classes_shown
from dgsearch.methods.augkd.equations import class_balance_loss, energy, mix_with_anchor
from dgsearch.methods.augkd.modules import Encoder, Generator

_MIXES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_BINS = 10


@dataclass(frozen=True)
class Frozen:
    """The networks that the last stage no longer trains, in eval mode.

    Attributes:
        teacher: T.
        generator: G.
        encoder: E.
        anchors: Makes z_a.
    """

    teacher: nn.Module
    generator: Generator
    encoder: Encoder
    anchors: AnchorRule

    def mixed(self, images: Tensor, z: Tensor, anchors: Tensor, f: float) -> Tensor:
        """x_m at f, (B, C, H, W)."""
        return mix_with_anchor(images, z, anchors, self.generator, f=f)


def generated_diagnostics(frozen: Frozen, z: Tensor) -> dict[str, float]:
    """What the teacher sees in generated images.

    Args:
        frozen: The networks.
        z: Latent vectors from N(0, I), (M, L).

    Returns:
        Mean confidence of the teacher, entropy of its mean prediction over ln K, and the share
        of the classes that it sees.
    """
    with torch.no_grad():
        logits = frozen.teacher(frozen.generator(z))
    balance = -class_balance_loss(logits) / torch.log(torch.tensor(float(logits.shape[1])))
    return {
        "teacher_confidence": float(logits.softmax(dim=1).amax(dim=1).mean()),
        "class_balance_entropy": float(balance),
        "generated_classes": classes_shown(logits) / logits.shape[1],
    }


def anchor_diagnostics(frozen: Frozen, batch: Batch, *, anchored: bool = True) -> dict[str, float]:
    """What anchoring does to held-out images of the student's domain.

    Args:
        frozen: The networks.
        batch: Labelled images on which nothing was trained.
        anchored: Whether the method has anchors at all; what would describe them is left out
            where it has none.

    Returns:
        The teacher's accuracy on the images themselves, on their reconstructions G(E(x, y)) and
        on x_m for f = 0, .2, ..., 1; its uncertainty (energy, lower is surer) on images and on
        anchors; the share of the latent dimensions that the mask replaces; and how far anchors
        moved, as a share of the latent vector's length.
    """
    images, labels = batch.images, batch.labels
    with torch.no_grad():
        z, _ = frozen.encoder(images, labels)
        anchors, mask = frozen.anchors(z, labels)
        raw = frozen.teacher(images)
        mixed = {f: frozen.teacher(frozen.mixed(images, z, anchors, f)) for f in _MIXES}
        encoded = frozen.teacher(frozen.generator(z))
    found = {
        "teacher_accuracy_student_domain": _accuracy(raw, labels),
        "encoder_transfer_accuracy": _accuracy(encoded, labels),
        "uncertainty_before": float(energy(raw).mean()),
    }
    if anchored:
        found |= {
            "uncertainty_after": float(energy(mixed[0.0]).mean()),
            "mask_occupancy": float(mask.mean()),
            "anchor_shift": float(((anchors - z).norm(dim=1) / z.norm(dim=1)).mean()),
        }
    return found | {
        f"teacher_accuracy_mixed_{f}": _accuracy(logits, labels) for f, logits in mixed.items()
    }


def confidence_histogram(frozen: Frozen, z: Tensor) -> list[int]:
    """How many generated images the teacher is sure of to which degree, in ten equal bins."""
    with torch.no_grad():
        confidence = frozen.teacher(frozen.generator(z)).softmax(dim=1).amax(dim=1)
    return torch.histc(confidence.cpu(), bins=_BINS, min=0, max=1).int().tolist()


def _accuracy(logits: Tensor, labels: Tensor) -> float:
    return float((logits.argmax(dim=1) == labels).float().mean())
