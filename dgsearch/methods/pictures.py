"""Pictures that a trial stores of what it makes."""

from __future__ import annotations

import base64
import io

import torch
from PIL import Image
from torch import Tensor


def sprite(images: Tensor, *, columns: int) -> str:
    """Images (B, 3, H, W) in [0, 1] as one PNG, row by row, in base64."""
    rows = [torch.cat(list(part), dim=2) for part in images.cpu().split(columns)]
    picture = torch.cat(rows, dim=1).permute(1, 2, 0).clamp(0, 1).mul(255).round().byte().numpy()
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
