"""A method that trains nothing and sleeps: its values follow from x, seed and epoch alone."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["with_plugin", "with_sleeper"]

_METHOD = '''
import os
import pathlib
import sys
import time

import torch
from torch import nn

from dgsearch.data.splits import SOURCE_TRAIN
from dgsearch.methods.base import Stage
from dgsearch.space import Float, Int, Space


class Guess(nn.Module):
    """Logits that are a fixed random projection of the image."""

    def __init__(self, context):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3 * 28 * 28, context.num_classes))

    def forward(self, images):
        small = nn.functional.adaptive_avg_pool2d(images, 28)
        return small.flatten(1) @ self.weight


class Sleep:
    def __init__(self, context, last):
        self.last = last
        self.epochs = context.values.integer("epochs") if last else 1
        self.sleep = context.values.number("sleep")
        self.x = context.values.number("x") if last else 0.0
        self.seed = context.derived_seed("guess")
        self.net = Guess(context)

    def train_epoch(self, epoch):
        time.sleep(self.sleep)
        self.tell_and_wait(epoch)
        for number in range(int(os.environ.get("SLEEPER_PRINTS_MB", "0"))):
            print("printed by a trial " * 50_000)
            sys.stderr.write("printed by a trial\\n" * 50_000)
        random = torch.Generator().manual_seed(hash((self.seed, self.x, epoch)) % 2**31)
        with torch.no_grad():
            self.net.weight.normal_(generator=random)
        return {"sleep_loss": self.x + epoch}

    def tell_and_wait(self, epoch):
        """Write the file that says that this driver trains; wait while its trial is held."""
        if "SLEEPER_TRAINS" in os.environ:
            pathlib.Path(os.environ["SLEEPER_TRAINS"]).touch()
        held = self.last and epoch >= self.epochs and self.x >= 0.4
        by = "SLEEPER_HELD_BY" if held else "" if self.last else "SLEEPER_FIRST_HELD_BY"
        while os.path.exists(os.environ.get(by, "")):
            time.sleep(0.1)

    def parts(self):
        return {"net": self.net}

    def product(self):
        return {"classifier": self.net.state_dict()}

    def classifier(self):
        return self.net


class Sleeper:
    name = "sleeper"
    summary = "sleeps"
    one_target = False
    space = Space((
        Float(name="x", default=0.5, low=0, high=1, meaning="what the values follow from"),
        Float(name="sleep", default=0.0, low=0, meaning="seconds an epoch"),
        Int(name="epochs", default=3, low=1, meaning="epochs"),
        Int(name="batch_size", default=32, low=1, meaning="nothing"),
    ))

    def stages(self, values):
        first, last = lambda c: Sleep(c, False), lambda c: Sleep(c, True)
        reads = ("epochs", "x", "sleep")
        return (
            Stage("first", 1, ("sleep",), (SOURCE_TRAIN,), first),
            Stage("last", 1, reads, (SOURCE_TRAIN,), last),
        )
'''


def with_sleeper(folder: Path, **settings: str) -> dict[str, str]:
    """An environment in which the method `sleeper` is installed, with more variables.

    Args:
        folder: Where its files are written.
        settings: Further variables of the environment. `SLEEPER_TRAINS` names a file that every
            epoch writes. While the file that `SLEEPER_HELD_BY` names exists, no trial with x of
            0.4 or more ends its last epoch; nor does any trial end its first stage while that of
            `SLEEPER_FIRST_HELD_BY` exists.
    """
    return with_plugin(folder, "sleeper", _METHOD, "sleeper:Sleeper") | settings


def with_plugin(folder: Path, name: str, text: str, place: str) -> dict[str, str]:
    """An environment in which a method of a package of its own is installed.

    Args:
        folder: Where its files are written.
        name: Of the package and of the method.
        text: The module.
        place: Where the method is in it, as entry points write it.
    """
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[dgsearch.methods]\n{name} = {place}\n")
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(item for item in paths if item)
    return {**os.environ, "PYTHONPATH": path, "DGSEARCH_CHECKPOINT_S": "0.5"}
