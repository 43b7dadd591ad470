"""Options that trade the last digits for speed: precision, memory order, TF32, compilation.

They change no method, but they change its numbers a little; so they are hyperparameters, which
a stage declares and its key hashes, and their purpose is "speed": a study does not ask for them.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch

from dgsearch.methods.base import Values
from dgsearch.space import Choice, Space

ACCELERATION = Space(
    (
        Choice(
            name="precision",
            purpose="speed",
            default="float32",
            options=("float32", "bf16"),
            meaning="of the extractor's activations; bf16: autocast, weights stay float32",
        ),
        Choice(
            name="memory_format",
            purpose="speed",
            default="channels_last",
            options=("channels_last", "contiguous"),
            meaning="memory order of images and convolutions",
        ),
        Choice(
            name="tf32",
            purpose="speed",
            default="off",
            options=("off", "on"),
            meaning="let CUDA shorten the factors of float32 products to 10 bits",
        ),
        Choice(
            name="compile",
            purpose="speed",
            default="off",
            options=("off", "on"),
            meaning="torch.compile of the extractor that is trained; needs a C++ compiler",
        ),
    )
)


@dataclass(frozen=True)
class Acceleration:
    """How a network computes.

    Attributes:
        precision: "float32" or "bf16".
        channels_last: Memory order of images and convolutions.
        tf32: Whether CUDA may use TF32.
        compiled: Whether the extractor is compiled.
    """

    precision: str = "float32"
    channels_last: bool = True
    tf32: bool = False
    compiled: bool = False

    @classmethod
    def of(cls, values: Values) -> Acceleration:
        """What a stage's hyperparameters say."""
        return cls(
            precision=values.option("precision"),
            channels_last=values.option("memory_format") == "channels_last",
            tf32=values.on("tf32"),
            compiled=values.on("compile"),
        )

    @property
    def memory_format(self) -> torch.memory_format:
        """For tensors of four dimensions."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def uncompiled(self) -> Acceleration:
        """The same for a network that is watched by hooks, which compiled code passes over."""
        return replace(self, compiled=False)

    def set_process(self, device: torch.device) -> None:
        """Set what holds for a whole process: TF32, for this trial and until the next."""
        if device.type == "cuda":
            torch.backends.cudnn.allow_tf32 = self.tf32
            torch.set_float32_matmul_precision("high" if self.tf32 else "highest")

    def autocast(self, device: torch.device) -> AbstractContextManager[object]:
        """The context in which an extractor computes on a device."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(device.type, dtype=torch.bfloat16)
