"""`[teacher]` of a study file: a classifier that somebody else trained, as a file of tensors."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, PositiveFloat, model_validator

GIVEN_TEACHER = "given_teacher"  # the hyperparameter that carries it from stage to stage
PROGRAM = "torchscript"  # the network of a file that holds it
TRAINED = "trained"  # its value where the teacher is trained, as ever


class TeacherSpec(BaseModel, frozen=True, extra="forbid"):
    """A teacher that is given, not trained; its file is never unpickled.

    Nothing of a file of tensors is executed; a TorchScript program may compute and no more.
    """

    file: str  # safetensors, a .pth of tensors alone, or a TorchScript program
    # a name that `dgsearch networks` lists, or package.module:function; "torchscript" where the
    # file holds the network too
    network: str
    classes: Annotated[tuple[str, ...], Field(min_length=2)]  # in the order of its outputs
    normalise: Literal["own", "imagenet", "centre", "none"] = "own"  # own: as the network has it
    mean: tuple[float, ...] = ()  # of its normalisation, a number a channel, for pixels in [0, 1]
    deviation: tuple[PositiveFloat, ...] = ()  # likewise
    image_size: int | None = Field(None, ge=4, le=1024)  # pixels a side; None: the data's
    channels: Literal[1, 3] = 3  # 1: it is shown grey images

    @model_validator(mode="after")
    def _fits(self) -> Self:
        double = sorted({name for name in self.classes if self.classes.count(name) > 1})
        if double:
            raise ValueError(f"classes name {', '.join(double)} twice; name each output once")
        if (self.mean or self.deviation) and not (
            len(self.mean) == len(self.deviation) == self.channels
        ):
            raise ValueError(
                f"mean and deviation must each have {self.channels} numbers, one a channel; "
                f"found {len(self.mean)} and {len(self.deviation)}"
            )
        if self.mean and self.normalise != "own":
            raise ValueError("says normalise as well as mean and deviation; remove one of them")
        return self
