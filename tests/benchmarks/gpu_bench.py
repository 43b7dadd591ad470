"""What an accelerator gives, and whether its numbers are right: one JSON, ratios of this run.

Speed (above 1: quicker):
- packed: trials by time of k processes on the device, against one after another, and the best;
- fused: trials by time of K trials as one batched program, against one after another;
- resident: images kept on the device, against a `DataLoader`, by image;
- options: bf16, TF32, compiled code, each against float32 as it is;
- graphs: a step as one CUDA graph, against its operations one by one;
- cost: seconds by image of MPBM and AuG-KD in those of plain training;
- memory_mb: peak of an epoch of each method.
Checks: fused and single trials agree; two runs of one seed agree with deterministic algorithms
(and what these cost). With --checks only these; the exit code is 1 where one fails.

Needs PyTorch and numpy; the rest is carried (`make gpu-carry` on a machine with dgsearch).

Usage: python tests/benchmarks/gpu_bench.py [-o build/gpu-bench.json] [--checks] [--tiny]
    [--device cuda] [--budget 240]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from tests.benchmarks.carried import use_carried

use_carried()

from tests.benchmarks import gpu_many, gpu_speed  # noqa: E402 - they need what is carried
from tests.benchmarks.gpu_setting import Scale, write_images  # noqa: E402

Section = Callable[[Path, Scale], Mapping[str, Any]]
CHECKS: dict[str, Section] = {
    "fused_equality": gpu_many.fused_equality,
    "repeated": gpu_many.repeated,
}
SPEED: dict[str, Section] = {
    "fused": gpu_many.fused_ratios,
    "packed": gpu_many.packed_ratios,
    "cost": gpu_speed.method_ratios,
    "resident": gpu_speed.resident_ratio,
    "graphs": gpu_speed.graph_ratio,
    "memory_mb": gpu_speed.memory,
    "options": gpu_speed.option_ratios,
}


def measure(
    sections: Mapping[str, Section], root: Path, scale: Scale, budget_s: float
) -> dict[str, Any]:
    """What every section found, or why it found nothing; none begins after the budget."""
    cuda = scale.device == "cuda"
    found: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "torch": torch.__version__,
        "scale": vars(scale),
    }
    began = time.perf_counter()
    for name, section in sections.items():
        spent = time.perf_counter() - began
        if spent > budget_s:
            found[name] = {"not_measured": f"{spent:.0f} s were spent on the sections before"}
            continue
        try:
            found[name] = dict(section(root, scale))
        except Exception as error:  # noqa: BLE001 - the other figures of a lent machine count
            found[name] = {"failed": f"{type(error).__name__}: {error}"}
            traceback.print_exc(file=sys.stderr)
        found[name]["seconds"] = round(time.perf_counter() - began - spent, 1)
    return found


def failures(found: Mapping[str, Any]) -> list[str]:
    """What is wrong: sections that failed, and checks that do not hold."""
    wrong = [
        f"{name}: {part['failed']}" for name, part in found.items() if "failed" in _dict(part)
    ]
    if _dict(found.get("fused_equality")).get("equal") is False:
        wrong.append("fused_equality: fused and single trials differ")
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
    parser.add_argument("--budget", type=float, default=240.0, help="no section begins later, s")
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
    found["failures"] = failures(found)
    text = json.dumps(found, indent=1)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(text + "\n", encoding="utf-8")
    print(text)
    if found["failures"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
