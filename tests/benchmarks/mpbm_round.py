"""What a round of MPBM costs, in epochs of plain training of the same network and batch.

Prints, for T = 1, 5 and 10, the ratio of one round to one ERM epoch beside the bound T + 5,
the share of its parts, the share of the diagnostics, and the peak memory of mixing at
N_b = 50, d = 1024, batch 128. One thread; medians of interleaved repetitions.

With an earlier commit, a process with that commit's code and one with this tree's take turns; then
only the cost of a round in epochs is printed, for both.

Usage: python tests/benchmarks/mpbm_round.py [--repeat 5] [--earlier COMMIT]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from dgsearch.data.splits import load_trial_data
from dgsearch.methods.base import StageContext, StageRun, Values
from dgsearch.methods.erm import ERM
from dgsearch.methods.mpbm import MPBM
from dgsearch.methods.mpbm.correlation import source_features
from dgsearch.methods.mpbm.mixing import Mixer, Mixing
from dgsearch.methods.mpbm.modules import MixupGenerator
from dgsearch.methods.mpbm.rounds import Alternation
from dgsearch.methods.networks import build_network
from dgsearch.study import DataSpec
from dgsearch.trainable.memory import peak_memory_mb, reset_peak_memory

CPU = torch.device("cpu")
REPOSITORY = Path(__file__).parents[2]
DATA = DataSpec(benchmark="digits-mini", source=("scan",), targets=("photo",), validation=0.2)


def context(space: Any, **values: Any) -> StageContext:
    """The context of a last stage on digits-mini with an untrained network."""
    data = load_trial_data(DATA, seed=0, device=CPU)
    resolved = space.resolve({"batch_size": 64, "lr": 1e-3, **values})
    network = build_network("convnet-small", num_classes=10, image_size=32, seed=0, device=CPU)
    return StageContext(
        values=Values(resolved, stage="benchmark", reads=tuple(resolved)),
        splits=data.splits,
        products={
            "pretrain": {"classifier": network.state_dict()},
            "correlation": {"correlation": torch.eye(network.num_features)},
        },
        seed=0,
        num_classes=10,
        image_size=32,
        device=CPU,
    )


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def parts(run: Alternation) -> dict[str, float]:
    """Seconds of each part of one round."""
    clock = {}
    started = time.perf_counter()
    queries = run._make_queries()
    clock["queries"] = time.perf_counter() - started
    features = source_features(run._network, run._split)
    clock["features"] = time.perf_counter() - started - clock["queries"]
    clock["diagnostics"] = seconds(lambda: run._probe(1, queries, features))
    clock["generator and discriminator"] = seconds(
        lambda: run._game.train_epoch(
            queries.features, features, run._split.labels, run._mixer, run._network.head
        )
    )
    clock["prediction model"] = seconds(lambda: run._train_prediction_model(queries))
    return clock


def median_parts(measured: list[dict[str, float]]) -> dict[str, float]:
    """Median of each part."""
    return {name: statistics.median(row[name] for row in measured) for name in measured[0]}


def report_rounds(repeat: int) -> None:
    """Ratio and parts for each T."""
    erm: StageRun = ERM.stages(ERM.space.defaults())[-1].start(context(ERM.space))
    for steps in (1, 5, 10):
        run = Alternation(context(MPBM.space, T=steps, generator_lr=1e-3))
        erm.train_epoch(1)
        run.train_epoch(1)
        plain, rounds, split = [], [], []
        for _ in range(repeat):
            plain.append(seconds(lambda: erm.train_epoch(1)))
            rounds.append(seconds(lambda run=run: run.train_epoch(1)))
            split.append(parts(run))
        epoch, whole = statistics.median(plain), statistics.median(rounds)
        print(
            f"T = {steps}: a round is {whole / epoch:.1f} ERM epochs (bound T + 5 = {steps + 5})"
        )
        for name, part in median_parts(split).items():
            print(f"    {name}: {part / epoch:.2f} ERM epochs, {part / whole:.1%} of the round")


def serve() -> None:
    """For each line "erm" or a T of standard input: train an epoch, print its seconds."""
    runs: dict[str, StageRun] = {}
    for line in sys.stdin:
        what = line.strip()
        if what not in runs:
            runs[what] = (
                ERM.stages(ERM.space.defaults())[-1].start(context(ERM.space))
                if what == "erm"
                else Alternation(context(MPBM.space, T=int(what), generator_lr=1e-3))
            )
            runs[what].train_epoch(1)
        print(seconds(lambda what=what: runs[what].train_epoch(1)), flush=True)


def report_earlier(commit: str, repeat: int) -> None:
    """Rounds in epochs of both builds, measured by turns."""
    with tempfile.TemporaryDirectory() as folder:
        packed = ["git", "-C", str(REPOSITORY), "archive", commit, "dgsearch"]
        archive = subprocess.run(packed, check=True, capture_output=True).stdout
        subprocess.run(["tar", "x", "-C", folder], input=archive, check=True)
        builds = {commit: started(Path(folder)), "this tree": started(REPOSITORY)}
        tasks = ("erm", "1", "5", "10")
        rows = [
            {(name, what): asked(build, what) for what in tasks for name, build in builds.items()}
            for _ in range(repeat)
        ]
        for build in builds.values():
            build.terminate()
            build.wait()
    middle = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    for what in tasks[1:]:
        cost = {name: middle[name, what] / middle[name, "erm"] for name in builds}
        told = ", ".join(f"{name} {each:.2f}" for name, each in cost.items())
        print(f"T = {what}: a round in ERM epochs: {told}")
        print(
            f"    seconds of a round: {middle[commit, what] / middle['this tree', what]:.2f} times"
        )


def started(folder: Path) -> subprocess.Popen[str]:
    """A process that trains with the code of a folder when asked to."""
    program = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); sys.argv = ['bench', '--serve']; "
        f"import runpy; runpy.run_path({__file__!r}, run_name='__main__')"
    )
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)


def asked(build: subprocess.Popen[str], what: str) -> float:
    """Seconds that a build takes."""
    assert build.stdin is not None
    assert build.stdout is not None
    build.stdin.write(f"{what}\n")
    build.stdin.flush()
    return float(build.stdout.readline())


def report_memory() -> None:
    """Peak memory of one forward and backward pass through a large mixing."""
    rows, instances, size = 128, 50, 1024
    mixing = Mixing("feature", "soft", "sqrt_d", 1.0, False, instances, 10)
    mixer = Mixer(MixupGenerator(size), torch.rand(size, size), mixing, torch.Generator())
    features = torch.randn(rows, size, requires_grad=True)
    before = peak_memory_mb(CPU)
    reset_peak_memory(CPU)
    start = peak_memory_mb(CPU)
    mixed = mixer.mix(features.detach(), features, torch.zeros(rows, dtype=torch.int64))
    mixed.features.sum().backward()
    peak = peak_memory_mb(CPU)
    print(
        f"mixing N_b = {instances}, d = {size}, batch {rows}: {peak - start:.0f} MB above the "
        f"{start:.0f} MB of the process (peak before: {before:.0f} MB; bound 2000 MB in all)"
    )


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--earlier", help="commit to compare with")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.serve:
        serve()
        return
    if arguments.earlier:
        report_earlier(arguments.earlier, arguments.repeat)
        return
    report_rounds(arguments.repeat)
    report_memory()


if __name__ == "__main__":
    main()
