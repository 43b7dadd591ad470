"""A stage of 32 configurations: one after another against together in a cohort.

    python -m tests.benchmarks.fused_anchor [--members 32] [--repeat 3] [--epochs 3]
        [--earlier d371494]

Prints, for AuG-KD's anchor and last stages and for plain training of a small perceptron, the
processor time of an epoch of one configuration both ways and their ratio; for the anchor stage
also that of an earlier commit, which trains one after another. Then how far the anchor losses of
both ways are apart, beside how far apart those of 1, 2, 3, 4 and 8 threads are. The sizes are
those of `studies/augkd_grid.toml`; teacher, decoder and anchors are untrained, which costs the
same. One thread; medians of epochs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dgsearch.data.splits import load_trial_data
from dgsearch.methods.augkd import AugKD
from dgsearch.methods.augkd.data_free import build_encoder, build_generator
from dgsearch.methods.base import Stage, StageContext, Values
from dgsearch.methods.erm import ERM
from dgsearch.methods.networks import build_network
from dgsearch.study import DataSpec

CPU = torch.device("cpu")
DATA = DataSpec(
    benchmark="digits-mini",
    source=("textured",),
    targets=("photo",),
    student_images=100,
    redraw=True,
)
SIZES = {
    "latent": 32,
    "generator_width": 48,
    "encoder_width": 32,
    "batch_size": 32,
    "anchor_epochs": 60,
}
THREADS = (1, 2, 3, 4, 8)
ALONE = """
import json, sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("fused_anchor", sys.argv[1])
benchmark = module_from_spec(spec)
spec.loader.exec_module(benchmark)
print(json.dumps(benchmark.epochs_alone(int(sys.argv[2]))))
"""


def anchor_runs(members: int) -> tuple[Stage, list[Any]]:
    """The stage `anchor`, and new runs of it that differ in learning rate and share kept."""
    return augkd_runs(
        "anchor",
        [
            {"anchor_lr": 1e-3 * 1.08**member, "invariant": 0.05 + 0.9 * member / members}
            for member in range(members)
        ],
    )


def distill_runs(members: int) -> tuple[Stage, list[Any]]:
    """The stage `distill`, and new runs of it that differ in rate, temperature and ramp."""
    return augkd_runs(
        "distill",
        [
            {
                "lr": 1e-3 * 1.08**member,
                "kd_temperature": 1.0 + member % 4,
                "b": 0.1 * (member % 8),
            }
            for member in range(members)
        ],
    )


def augkd_runs(name: str, members: Sequence[Mapping[str, Any]]) -> tuple[Stage, list[Any]]:
    """A stage of AuG-KD and new runs of it, one a member, behind one teacher and decoder."""
    data = load_trial_data(DATA, seed=0, device=CPU, one_target=True)
    products: dict[str, Any] = {}
    runs = []
    for own in members:
        values = AugKD.space.resolve(SIZES | {"a": 100.0} | own)  # every epoch mixes images
        stages = {stage.name: stage for stage in AugKD().stages(values)}
        for wanted in ("anchor", name):
            stage = stages[wanted]
            context = StageContext(
                values=Values(stage.values_of(values), stage=stage.name, reads=stage.reads),
                splits=data.splits,
                products=products,
                seed=0,
                num_classes=10,
                image_size=32,
                device=CPU,
            )
            if not products:
                products.update(_products(context))
            run = stage.start(context)
            if wanted != name:
                products.setdefault(wanted, run.product())
        runs.append(run)
    return stage, runs


def _products(context: StageContext) -> Mapping[str, Any]:
    teacher = build_network("convnet-teacher", num_classes=10, image_size=32, seed=0, device=CPU)
    generator, encoder = build_generator(context), build_encoder(context)
    student = build_network("convnet-student", num_classes=10, image_size=32, seed=0, device=CPU)
    networks = {"generator": generator, "encoder": encoder, "student": student}
    decoder = {name: network.state_dict() for name, network in networks.items()}
    return {"teacher": {"classifier": teacher.state_dict()}, "data_free": decoder}


def perceptron(num_classes: int, image_size: int) -> nn.Module:
    """A small extractor without convolutions, as a user may bring one."""
    inputs = 3 * (image_size // 4) ** 2
    return nn.Sequential(
        nn.AvgPool2d(4), nn.Flatten(), nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 64)
    )


def perceptron_runs(members: int) -> tuple[Stage, list[Any]]:
    """Plain training of a perceptron, at several learning rates."""
    data = load_trial_data(DATA, seed=0, device=CPU, one_target=True)
    runs = []
    for member in range(members):
        own = {"lr": 1e-4 * 1.1**member, "network": f"{__name__}:perceptron"}
        values = ERM.space.resolve(own)
        stage = ERM.stages(values)[0]
        context = StageContext(
            values=Values(stage.values_of(values), stage=stage.name, reads=stage.reads),
            splits=data.splits,
            products={},
            seed=0,
            num_classes=10,
            image_size=32,
            device=CPU,
        )
        runs.append(stage.start(context))
    return stage, runs


def seconds(call: Callable[[], object]) -> float:
    """Processor time of a call."""
    started = time.process_time()
    call()
    return time.process_time() - started


def compare(
    heading: str, make: Callable[[int], tuple[Stage, list[Any]]], members: int, repeat: int
) -> None:
    """Print what an epoch of one configuration takes both ways."""
    stage, runs = make(members)
    _, (single,) = make(1)
    assert stage.fusable is not None
    cohort = stage.fusable.join(runs)
    single.train_epoch(1)
    cohort.train_epoch(1)
    alone, together = [], []
    for epoch in range(2, repeat + 2):
        alone += [seconds(lambda epoch=epoch: single.train_epoch(epoch)) for _ in range(5)]
        together.append(seconds(lambda epoch=epoch: cohort.train_epoch(epoch)) / members)
    before, now = statistics.median(alone), statistics.median(together)
    print(f"{heading}, {members} configurations of one seed, an epoch of each:")
    print(f"  one after another {1000 * before:.1f} ms, together {1000 * now:.1f} ms")
    print(f"  trials per hour of processor time: {before / now:.2f} times as many", flush=True)


def epochs_alone(epochs: int) -> list[float]:
    """Processor time of epochs of one anchor stage, each, after a first one; one thread."""
    torch.set_num_threads(1)
    _, (single,) = anchor_runs(1)
    single.train_epoch(1)
    return [
        seconds(lambda epoch=epoch: single.train_epoch(epoch)) for epoch in range(2, 2 + epochs)
    ]


def compare_with(commit: str, members: int, repeat: int) -> None:
    """Print what an epoch of an anchor stage takes together, and one by one by a commit's code."""
    from tests.benchmarks.many_trials import worktree

    stage, runs = anchor_runs(members)
    assert stage.fusable is not None
    cohort = stage.fusable.join(runs)
    cohort.train_epoch(1)
    together: list[float] = []
    with worktree(commit) as folder:
        command = [sys.executable, "-c", ALONE, str(Path(__file__).resolve()), "10"]
        environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
        alone: list[float] = []
        for epoch in range(2, repeat + 2):
            ran = subprocess.run(
                command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True
            )
            alone += json.loads(ran.stdout)
            together.append(seconds(lambda epoch=epoch: cohort.train_epoch(epoch)) / members)
    before, now = statistics.median(alone), statistics.median(together)
    print(f"anchor stage, {members} configurations of one seed, an epoch of each:")
    print(f"  one after another at {commit} {1000 * before:.1f} ms, together {1000 * now:.1f} ms")
    print(f"  trials per hour of processor time: {before / now:.2f} times as many", flush=True)


def losses_after(members: int, epochs: int, *, threads: int, together: bool) -> list[float]:
    """The losses of the last of some epochs, of each member."""
    torch.set_num_threads(threads)
    stage, runs = anchor_runs(members)
    found: Sequence[Any] = []
    assert stage.fusable is not None
    cohort = stage.fusable.join(runs) if together else None
    for epoch in range(1, epochs + 1):
        found = cohort.train_epoch(epoch) if cohort else [run.train_epoch(epoch) for run in runs]
    torch.set_num_threads(1)
    return [one["anchor_loss"] for one in found]


def distance(first: Sequence[float], second: Sequence[float]) -> float:
    """The largest difference, in shares of the loss."""
    return max(abs(one - other) / abs(one) for one, other in zip(first, second, strict=True))


def compare_losses(members: int, epochs: int) -> None:
    """Print how far losses are apart: together from one by one, and of any two thread counts."""
    alone = [losses_after(members, epochs, threads=n, together=False) for n in THREADS]
    together = losses_after(members, epochs, threads=1, together=True)
    spread = max(itertools.starmap(distance, itertools.combinations(alone, 2)))
    print(f"losses after {epochs} epochs, largest relative difference:")
    print(f"  together from one after another {distance(alone[0], together):.1e}")
    print(f"  between any two of {', '.join(map(str, THREADS))} threads {spread:.1e}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=32)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3, help="of the comparison of losses")
    parser.add_argument("--earlier", default="d371494", metavar="COMMIT", help="or '' for none")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    members = arguments.members
    compare("anchor stage", anchor_runs, members, arguments.repeat)
    compare("distillation", distill_runs, members, arguments.repeat)
    compare("plain training of a small perceptron", perceptron_runs, members, arguments.repeat)
    if arguments.earlier:
        compare_with(arguments.earlier, members, arguments.repeat)
    compare_losses(min(members, 4), arguments.epochs)


if __name__ == "__main__":
    main()
