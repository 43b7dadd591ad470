"""What an accelerator gives, and whether its numbers are right: one JSON, ratios of this run.

Speed (above 1: quicker):
- fused: trials by time of K trials as one batched program, against one after another;
- packed: trials by time of k processes on the device, against one after another, and the best;
- fused_against_packed: each of the first against the best of the second;
- graphs: an epoch whose steps are recorded as CUDA graphs, against operation by operation;
- cost: seconds by image of MPBM and AuG-KD in those of plain training;
- resident: images kept on the device, against a `DataLoader`, by image;
- memory_mb: peak of an epoch of each method, and of K fused trials;
- options: bf16, TF32, compiled code, each against float32 as it is.
Checks: fused and single trials agree; recorded steps and those one by one do; two runs of one
seed agree with deterministic algorithms (and what these cost). With --checks only these; the exit
code is 1 where one fails.

A section that takes longer than its share of --budget is cut: the JSON has what it found until
then, and `cut` says so. With the defaults of `make gpu-test` and `make gpu-bench` both together
take less than 8 minutes.

Needs PyTorch and numpy; the rest is carried (`make gpu-carry` on a machine with dgsearch).

Usage: python tests/benchmarks/gpu_bench.py [-o build/gpu-bench.json] [--checks] [--tiny]
    [--device cuda] [--budget 285]
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import torch

from tests.benchmarks.carried import use_carried

use_carried()

from tests.benchmarks import gpu_graphs, gpu_many, gpu_speed  # noqa: E402 - need what is carried
from tests.benchmarks.gpu_setting import Scale, write_images  # noqa: E402


class Section(NamedTuple):
    """One part of the JSON.

    Attributes:
        share: Of the budget, in parts of those of all sections.
        figures: Yields them by name, one after another; a later one of a name replaces it.
    """

    share: float
    figures: Callable[[Path, Scale], Iterator[tuple[str, Any]]]


CHECKS: dict[str, Section] = {
    "fused_equality": Section(35, gpu_many.fused_equality),
    "graph_equality": Section(35, gpu_graphs.graph_equality),
    "repeated": Section(45, gpu_many.repeated),
}
SPEED: dict[str, Section] = {
    "fused": Section(60, gpu_many.fused_ratios),
    "packed": Section(60, gpu_many.packed_ratios),
    "graphs": Section(40, gpu_graphs.graph_ratios),
    "cost": Section(25, gpu_speed.method_ratios),
    "resident": Section(25, gpu_speed.resident_ratio),
    "memory_mb": Section(25, gpu_speed.memory),
    "options": Section(40, gpu_speed.option_ratios),
}


class OutOfTime(BaseException):
    """A section has used up its share of the budget."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """What is done in here ends with `OutOfTime` after so many seconds, between two operations.

    A module that is being imported and a graph that is being recorded are finished first: half of
    one would break what follows.
    """

    def end(_: int, frame: FrameType | None) -> None:
        if _imports(frame) or _captures():
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            return
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _imports(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _captures() -> bool:
    return torch.cuda.is_available() and torch.cuda.is_current_stream_capturing()


def measure(
    sections: Mapping[str, Section], root: Path, scale: Scale, budget_s: float
) -> dict[str, Any]:
    """What every section found, or why it found nothing; what one does not use others may."""
    cuda = scale.device == "cuda"
    found: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "torch": torch.__version__,
        "scale": vars(scale),
    }
    ends_at = time.perf_counter() + budget_s
    shares = sum(section.share for section in sections.values())
    for name, section in sections.items():
        left = ends_at - time.perf_counter()
        allowed = left * section.share / shares
        shares -= section.share
        found[name] = _figures(section, root, scale, allowed)
        if cuda:
            gc.collect()
            torch.cuda.empty_cache()
    return found


def _figures(section: Section, root: Path, scale: Scale, allowed_s: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    began = time.perf_counter()
    try:
        with at_most(allowed_s):
            for name, figure in section.figures(root, scale):
                found[name] = figure
    except OutOfTime:
        found["cut"] = f"no more was measured in its {max(round(allowed_s, 1), 0.0)} s"
    except Exception as error:  # noqa: BLE001 - the other figures of a lent machine count
        found["failed"] = f"{type(error).__name__}: {error}"
        traceback.print_exc(file=sys.stderr)
    found["seconds"] = round(time.perf_counter() - began, 1)
    return found


def fused_against_packed(found: Mapping[str, Any]) -> dict[str, float]:
    """Trials by time of K fused ones of plain training against the best packing by processes."""
    best, fused = _dict(found.get("packed")).get("best"), _dict(found.get("fused"))
    return {name: fused[name] / best for name in fused if best and name.isdecimal()}


def failures(found: Mapping[str, Any]) -> list[str]:
    """What is wrong: sections that failed, and checks that do not hold."""
    wrong = [
        f"{name}: {part['failed']}" for name, part in found.items() if "failed" in _dict(part)
    ]
    for name, what in (
        ("fused_equality", "fused and single trials differ"),
        ("graph_equality", "recorded steps and those one by one differ"),
    ):
        if _dict(found.get(name)).get("equal") is False:
            wrong.append(f"{name}: {what}")
    repeated = _dict(found.get("repeated"))
    wrong += [
        f"repeated: two runs of {method} differ with deterministic algorithms"
        for method, part in repeated.items()
        if _dict(part).get("agrees") is False
    ]
    return wrong


def _dict(part: Any) -> Mapping[str, Any]:
    return part if isinstance(part, Mapping) else {}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("build/gpu-bench.json"))
    parser.add_argument("--checks", action="store_true", help="what must hold, without speed")
    parser.add_argument("--tiny", action="store_true", help="a few seconds, to see that it runs")
    parser.add_argument("--device", choices=("cuda", "cpu"))
    parser.add_argument("--budget", type=float, default=285.0, help="seconds of all sections")
    arguments = parser.parse_args()
    device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    scale = Scale.tiny(device) if arguments.tiny else Scale(device)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DGSEARCH_CACHE"] = str(Path(folder) / "cache")
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # read when cuBLAS starts
        root = Path(folder) / "data"
        write_images(root, scale)
        sections = CHECKS if arguments.checks else CHECKS | SPEED
        found = measure(sections, root, scale, arguments.budget)
    found["fused_against_packed"] = fused_against_packed(found)
    found["failures"] = failures(found)
    found["cut"] = [name for name, part in found.items() if "cut" in _dict(part)]
    text = json.dumps(found, indent=1)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(text + "\n", encoding="utf-8")
    print(text)
    if found["failures"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
