"""Whether two runs of one seed agree to the last bit on an accelerator.

On the CPU they do with one thread, whatever is set here.
"""

from __future__ import annotations

import os

import torch

_WORKSPACE = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by cuBLAS when it starts


def set_deterministic(*, on: bool) -> None:
    """Let CUDA choose the algorithms whose results repeat, or any; for this process.

    cuDNN measures no algorithms against each other and takes repeatable ones, as cuBLAS does if
    this process has not used it before. Operations that PyTorch knows no repeatable code for warn
    instead of failing: the backward pass of max pooling is one of them, and is repeatable where
    its windows do not overlap.
    """
    if on:
        name, value = _WORKSPACE
        os.environ.setdefault(name, value)
        torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = on
    if on or torch.are_deterministic_algorithms_enabled():  # PyTorch's compiler is imported for it
        torch.use_deterministic_algorithms(on, warn_only=True)
