"""Whether two runs of one seed agree to the last bit on an accelerator.

On the CPU they do with one thread, whatever is set here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_WORKSPACE = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by cuBLAS when it starts


@contextmanager
def deterministic() -> Iterator[None]:
    """Let CUDA choose the algorithms whose results repeat, for as long as this lasts.

    cuDNN measures no algorithms against each other and takes repeatable ones, as cuBLAS does if
    it was not used before. Operations that PyTorch knows no repeatable code for warn instead of
    failing: the backward pass of max pooling is one of them, and is repeatable where its windows
    do not overlap.
    """
    name, value = _WORKSPACE
    os.environ.setdefault(name, value)
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.deterministic
    strict = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn.benchmark, cudnn.deterministic = False, True
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        cudnn.benchmark, cudnn.deterministic = before
        torch.use_deterministic_algorithms(strict, warn_only=warns)
