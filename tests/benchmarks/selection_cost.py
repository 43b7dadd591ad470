"""What scoring a classifier under families of transformations costs, against a round of MPBM.

Prints the ratio for `digits-mini` at every epoch (`selection = "augmented"`: those families that
MPBM does not train with) and after the last one (all of them), that of making the images, and
the memory that they take. One thread; medians of interleaved
repetitions.

    python -m tests.benchmarks.selection_cost [--repeat 7]
"""

from __future__ import annotations

import argparse
import statistics

import torch

from dgsearch.data.splits import SOURCE_VALIDATION, load_trial_data
from dgsearch.methods.mpbm import MPBM
from dgsearch.methods.mpbm.rounds import Alternation
from dgsearch.methods.networks import build_network
from dgsearch.study.families import FAMILIES, judging_families
from dgsearch.trainable.augmented import augmented_split, family_scores
from tests.benchmarks.mpbm_round import CPU, DATA, context, seconds


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=7)
    repeat = parser.parse_args().repeat
    torch.set_num_threads(1)
    split = load_trial_data(DATA, seed=0, device=CPU).splits[SOURCE_VALIDATION]
    augmented = augmented_split(split, seed=0)
    network = build_network("convnet-small", num_classes=10, image_size=32, seed=0, device=CPU)
    run = Alternation(context(MPBM.space, generator_lr=1e-3))
    run.train_epoch(1)
    rounds, scored, after_last, made = [], [], [], []
    counted = judging_families({"mpbm": MPBM.families})["mpbm"]

    def score(families: tuple[str, ...]) -> object:
        return family_scores(
            network, augmented, metric="accuracy", num_classes=10, families=families
        )

    for _ in range(repeat):
        rounds.append(seconds(lambda: run.train_epoch(1)))
        scored.append(seconds(lambda: score(counted)))
        after_last.append(seconds(lambda: score(tuple(FAMILIES))))
        made.append(seconds(lambda: augmented_split(split, seed=0)))
    whole, each, last, once = map(statistics.median, (rounds, scored, after_last, made))
    images = augmented.images.shape[1]
    print(
        f"{images} images in {len(counted)} families, each epoch: {each / whole:.1%} of a round "
        f"of MPBM (T = 5), bound 5%; in {len(FAMILIES)} families, after the last epoch: "
        f"{last / whole:.1%}; making them, once a seed: {once / whole:.1%}; "
        f"{augmented.images.numel() / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    main()
