"""Trains the trials by which selection rules are compared, and keeps what each rule looks at.

25 methods and variants, each at 3 learning rates and 6 seeds, on `digits-mini` from two sources:
900 short trials. Each is one line of a file: accuracies on the validation split, under each
family of transformations, and on each target, epoch by epoch. What the file has is not trained
again, so a run may be ended and continued. `selection_rules.py` prints what follows from it.

    python -m tests.benchmarks.selection_trials [-o build/selection.jsonl] [--minutes 30]
        [--sources scan,typeset] [--seeds 6] [--epochs 2] [--variants erm mixup]
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from dgsearch.methods.registry import family_facts, find_method
from dgsearch.study import DataSpec
from dgsearch.trainable.reports import TrialJob
from dgsearch.trainable.trial import Trial

DOMAINS = ("scan", "photo", "typeset", "street", "slanted")
RATES = (3e-4, 1e-3, 3e-3)
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "mpbm": ("mpbm", {}),
    "mpbm, random attention": ("mpbm", {"attention": "random"}),
    "mpbm, small sign steps": ("mpbm", {"query": "sgld_sign"}),
    "mpbm, appearance": (
        "mpbm", {"query_space": "appearance", "train_on_query": 1.0, "step_size": 0.1},
    ),
    **{
        name: (name, {})
        for name in (
            "erm", "manifold_mixup", "mixup", "midpoint_mixup", "regmixup", "decoupled_mixup",
            "cutmix", "fmix", "adversarial", "augmix", "randaugment", "sam",
            "rationale_invariance", "recolour", "randconv", "strong_augmentation",
            "pro_randconv", "advst", "me_ada", "alt", "pseudo_coral",
        )
    },
}  # fmt: skip


def trained(source: str, seed: int, variant: str, rate: float, epochs: int, folder: str) -> Any:
    """One trial as plain data."""
    method, changes = VARIANTS[variant]
    targets = tuple(name for name in DOMAINS if name != source)
    data = DataSpec(benchmark="digits-mini", source=(source,), targets=targets)
    own = {"lr": rate, "pretrain_epochs": 3, "epochs": epochs, "batch_size": 64, **changes}
    values = find_method(method).space.resolve(own)
    job = TrialJob("rules", 0, method, values, seed, data, folder, selection="augmented")
    started = time.perf_counter()
    reports = [report for report in Trial(job, torch.device("cpu")).reports() if report.last]
    return {
        "source": source,
        "seed": seed,
        "variant": variant,
        "lr": rate,
        "method": method,
        "trained_with": family_facts([method])[method],
        "seconds": time.perf_counter() - started,
        "scores": [
            [report.stage_epoch, score.split, score.domain, score.value]
            for report in reports
            for score in report.scores
            if score.metric == "accuracy"
        ],
    }


def main() -> None:
    """Train what is missing, until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("build/selection.jsonl"))
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--sources", default="scan,typeset")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=[*VARIANTS])
    given = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    lines = given.output.read_text().splitlines() if given.output.exists() else []
    rows = [json.loads(line) for line in lines]
    there = {(row["source"], row["seed"], row["variant"], row["lr"]) for row in rows}
    ends = time.monotonic() + 60 * given.minutes
    planned = itertools.product(given.sources.split(","), range(given.seeds))
    with tempfile.TemporaryDirectory() as folder, given.output.open("a") as file:
        for source, seed in planned:
            for rate, variant in itertools.product(RATES, given.variants):
                if (source, seed, variant, rate) in there:
                    continue
                if time.monotonic() > ends:
                    return
                row = trained(source, seed, variant, rate, given.epochs, folder)
                print(json.dumps(row), file=file, flush=True)


if __name__ == "__main__":
    main()
