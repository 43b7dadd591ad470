"""Random views of the images of a batch: each image its own, drawn on the device.

torchvision's transforms draw once for a whole batch; here every image of it is drawn for. The
section `[[augmentation]]` of a study file names some of them (`pipelines`).

Shapes: B images, C = 3 channels, H = W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.methods.base import StageContext
from dgsearch.methods.pipelines import apply_pipeline, build_pipeline, check_pipeline
from dgsearch.space import Choice, Space

VIEWS = Space(
    (
        Choice(
            name="augment",
            default="none",
            options=("none", "flip", "crop_flip"),
            other="what the section [[augmentation]] says",
            accepts=check_pipeline,
            meaning="views of the classifier's images; crop_flip: shifted by up to an eighth too",
        ),
    )
)
_SHARE = 8  # a shift goes up to so many-th of the side: 4 pixels of 32


class Views:
    """Turns batches into views of them; the identity where `augment` is "none"."""

    def __init__(self, context: StageContext, *job: str) -> None:
        """Draw from a generator of this job's own."""
        self._kind = context.values.option("augment")
        self._pipeline: Callable[[Tensor], Tensor] | None = None
        if self._kind not in VIEWS["augment"].options:  # type: ignore[union-attr]
            self._pipeline = build_pipeline(self._kind, context.image_size)
        self._random = context.generator(*job, "views", on_device=self._pipeline is None)

    def __call__(self, batch: Batch) -> Batch:
        """The batch as it is trained on, labels unchanged."""
        if self._kind == "none":
            return batch
        images = batch.images
        if self._pipeline is not None:
            return Batch(apply_pipeline(self._pipeline, images, self._random), batch.labels)
        if self._kind == "crop_flip":
            images = shifted(images, self._random, most=images.shape[-1] // _SHARE)
        return Batch(flipped(images, self._random), batch.labels)

    def parts(self) -> Mapping[str, Any]:
        """The random numbers, if any are drawn."""
        return {} if self._kind == "none" else {"views": self._random}


def flipped(images: Tensor, random: torch.Generator) -> Tensor:
    """Every second image, at random, mirrored left to right: (B, C, H, W)."""
    draws = torch.rand(len(images), generator=random, device=images.device)
    return torch.where((draws < 0.5)[:, None, None, None], images.flip(-1), images)


def shifted(images: Tensor, random: torch.Generator, *, most: int) -> Tensor:
    """Each image shifted by up to `most` pixels both ways; black comes in from outside.

    The same as a random crop after padding by `most`.
    """
    count, _, height, width = images.shape
    padded = F.pad(images, [most] * 4)  # black
    draws = torch.randint(
        0, 2 * most + 1, (2, count), generator=random, device=images.device
    )  # offset of each image, down and to the right
    rows = draws[0][:, None] + torch.arange(height, device=images.device)  # (B, H)
    columns = draws[1][:, None] + torch.arange(width, device=images.device)  # (B, W)
    which = torch.arange(count, device=images.device)[:, None, None]
    last = padded.permute(0, 2, 3, 1)  # (B, H + 2m, W + 2m, C)
    taken: Tensor = last[which, rows[:, :, None], columns[:, None, :]]  # (B, H, W, C)
    return taken.permute(0, 3, 1, 2)
