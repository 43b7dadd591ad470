"""How often does a study of adaptive seeds err where no point differs from the baseline?

Prints the share of simulated studies with any wrong "better" or "worse", for accuracies of small
test sets, with and without what the number of images adds to the standard error. The decisions
are those of `dgsearch.designs.decisions`, as the runner takes them. The share claimed is at
most 0.05.

Usage: python -m tests.benchmarks.adaptive_errors [--studies 4000]
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from dgsearch.designs.decisions import (
    BETTER,
    LEAST_PAIRS,
    OPEN,
    WORSE,
    SeedRule,
    repeated_interval,
    verdicts,
)

POINTS, CAP = 4, 10


def error_rate(studies: int, images: int, spread: float, *, floor: bool, drawn: bool) -> float:
    """Share of null studies that call any point better or worse."""
    rule = SeedRule(
        first=LEAST_PAIRS, cap=CAP, points=POINTS, margin=0.01, confidence=0.95,
        images=images if floor else math.inf,
    )  # fmt: skip
    random = np.random.default_rng(0)
    level = random.normal(0.56, spread, (studies, POINTS + 1, CAP))
    right = random.binomial(images, level) if drawn else np.round(level * images)
    differences = (right[:, 1:] - right[:, :1]) / images
    found = np.full(differences.shape[:2], OPEN, dtype=object)
    for seeds in range(rule.first, CAP + 1):
        _, low, high = repeated_interval(differences[..., :seeds], rule)
        found = np.where(found == OPEN, verdicts(low, high, margin=rule.margin), found)
    return float(np.isin(found, [BETTER, WORSE]).any(axis=1).mean())


def main() -> None:
    """Print one line a setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=4000)
    studies = parser.parse_args().studies
    print("accuracies  images  deviation  without images  with images")
    for drawn in (True, False):
        for images in (50, 100, 498, 600):
            for spread in (0.005, 0.01, 0.02):
                rates = [
                    error_rate(studies, images, spread, floor=floor, drawn=drawn)
                    for floor in (False, True)
                ]
                kind = "drawn  " if drawn else "rounded"
                print(f"{kind}     {images:6}  {spread:9}  {rates[0]:14.3f}  {rates[1]:11.3f}")


if __name__ == "__main__":
    main()
