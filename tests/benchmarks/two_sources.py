"""Do intervals hold the accuracy over all seeds and images? Coverage by simulation of a truth.

An image is classified correctly where an effect of the seed, an effect of the image and what is
left add up to more than a threshold, all three normal. The truth is the accuracy over all seeds
and images. Printed is the share of simulated studies whose 95% interval holds it: of seeds
alone, of seeds and images (random effects), and with the crossed bootstrap's standard error,
whose mean ratio to that of the random effects comes last.

    python -m tests.benchmarks.two_sources [--studies 1000]
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.stats import norm

from dgsearch.analysis.two_sources import Doubt, bootstrap_error, seeds_and_images

THRESHOLD = -0.3
SETTINGS = (  # seeds, images, deviation of a seed's effect, of an image's effect
    (10, 498, 0.05, 2.0),
    (8, 200, 0.05, 2.0),
    (5, 498, 0.1, 1.5),
    (3, 498, 0.1, 1.5),
    (5, 498, 0.3, 1.0),
)


def _holds(doubt: Doubt, truth: float, *, ratio: float = 1.0) -> bool:
    """Whether an interval, `ratio` times as wide, holds the truth."""
    return abs(doubt.mean - truth) <= ratio * (doubt.high - doubt.mean)


def main() -> None:
    """Print one line a setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    studies = parser.parse_args().studies
    print("seeds  images  seed sd  image sd  seeds alone  seeds, images  bootstrap  ratio")
    for seeds, images, of_seed, of_image in SETTINGS:
        random = np.random.default_rng(0)
        truth = float(norm.cdf(-THRESHOLD / np.sqrt(1 + of_seed**2 + of_image**2)))
        held, ratios = [], []
        for study in range(studies):
            effects = random.normal(0, of_seed, (seeds, 1)) + random.normal(0, of_image, images)
            correct = effects + random.normal(size=(seeds, images)) > THRESHOLD
            tables = [correct.astype(np.float64)]
            both = seeds_and_images(tables)
            ratios.append(bootstrap_error(tables, seed=study, draws=300) / both.error)
            alone = seeds_and_images(tables, images=False)
            held.append(
                (
                    _holds(alone, truth),
                    _holds(both, truth),
                    _holds(both, truth, ratio=ratios[-1]),
                )
            )
        shares = np.mean(held, axis=0)
        print(
            f"{seeds:5}  {images:6}  {of_seed:7}  {of_image:8}  {shares[0]:11.3f}  "
            f"{shares[1]:13.3f}  {shares[2]:9.3f}  {np.mean(ratios):5.2f}"
        )


if __name__ == "__main__":
    main()
