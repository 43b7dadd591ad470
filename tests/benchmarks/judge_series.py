"""How often does a series of proposals that do nothing keep one, and how often is a true one kept?

Every series has a champion and proposals that are as good as it is, judged one after the other by
`dgsearch.designs.judging` as `dgsearch judge` does. Beside it stand an agent that keeps what looks
better at one seed, and one that asks five seeds for a 95% t interval that leaves zero out. At
some places of each series one proposal more is judged that is better by two standard deviations
of the paired difference, within eight seeds; it takes no part in the series.

Usage: python -m tests.benchmarks.judge_series [--series 500] [--proposals 200] [--only WORDS]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy import special

from dgsearch.designs.decisions import Numbers
from dgsearch.designs.judging import KEPT, Noise, judge, part_of, pooled_noise

SEEDS, EFFECT = 8, 2.0
PLACES = (1, 2, 5, 10, 20, 50, 100, 150, 200)

Sizes = Callable[[int, np.random.Generator], float]


class Setting(NamedTuple):
    """A kind of series.

    Attributes:
        words: What it is called.
        size: Standard deviation of a proposal's outcomes by its number; the champion's is 1.
        champion_seeds: Trials of the champion that there are before the first proposal.
        tails: "normal", "t4" (t with four degrees of freedom), "lost" (one trial in fifty ends
            twenty deviations lower).
        images: Outcomes are multiples of 1 / images; 0: any number.
        deviation: Standard deviation of an outcome in accuracy, where images matter.
        better: Share of proposals that are better by two deviations; one that is kept is the
            champion of those after it, with the trials by which it was kept.
    """

    words: str
    size: Sizes = lambda number, random: 1.0
    champion_seeds: int = 8
    tails: str = "normal"
    images: int = 0
    deviation: float = 0.01
    better: float = 0.0


SETTINGS = (
    Setting("equal noise, an A/A study of 4 pairs"),
    Setting("equal noise, an A/A study of 8 pairs", champion_seeds=16),
    Setting("equal noise, no A/A study", champion_seeds=4),
    Setting("noise differs, log-normal, 0.3", lambda number, random: random.lognormal(0, 0.3)),
    Setting("one in ten: noise times 3", lambda n, r: 3.0 if r.random() < 0.1 else 1.0),
    Setting("one in four: noise times 3", lambda n, r: 3.0 if r.random() < 0.25 else 1.0),
    Setting("every second: noise times 3", lambda n, r: 3.0 if n % 2 else 1.0),
    Setting("all: three times the noise of A/A", lambda n, r: 3.0),
    Setting("from 101 on: noise times 3", lambda n, r: 3.0 if n > 100 else 1.0),
    Setting("heavy tails (t, 4)", tails="t4"),
    Setting("one trial in fifty is lost", tails="lost"),
    Setting("one in twenty is better", better=0.05),
    Setting("accuracy of 50 images", images=50, deviation=0.02),
    Setting("accuracy of 200 images", images=200, deviation=0.01),
    Setting("accuracy of 200 images, ties", images=200, deviation=0.002),
    Setting("accuracy of 1000 images", images=1000, deviation=0.004),
)  # fmt: skip


class Series(NamedTuple):
    """What became of one series."""

    kept: bool
    naive: bool
    uncorrected: bool
    found: Mapping[int, bool]
    seeds: float


def outcomes(
    random: np.random.Generator, setting: Setting, count: int, *, size: float, mean: float
) -> Numbers:
    """Outcomes of trials; the difference of two configurations of size 1 has deviation 1."""
    drawn = random.standard_normal(count)
    if setting.tails == "t4":
        drawn = random.standard_t(4, count) / np.sqrt(2)
    if setting.tails == "lost":
        drawn = np.where(random.random(count) < 0.02, drawn - 20, drawn)
    numbers = 0.8 + setting.deviation * (mean + size * drawn / np.sqrt(2))
    return np.round(numbers * setting.images) / setting.images if setting.images else numbers


def one_series(random: np.random.Generator, setting: Setting, proposals: int) -> Series:
    """Judge a series in which no proposal is better."""
    count = max(setting.champion_seeds, SEEDS)
    champion = outcomes(random, setting, count, size=1, mean=0)
    aa = champion[: setting.champion_seeds]
    variances = [(2 * float(aa.var(ddof=1)), len(aa) - 1)]
    at = champion[:SEEDS].tolist()
    images = setting.images or np.inf
    level = 0.0
    spent, kept, naive, uncorrected, seeds = 0.0, False, False, False, 0
    found: dict[int, bool] = {}
    for number in range(1, proposals + 1):
        part, noise = part_of(number, spent), pooled_noise(variances)
        size, better = setting.size(number, random), random.random() < setting.better
        if number in PLACES:
            found[number] = _is_found(random, setting, at, size, part, noise, level)
        gain = EFFECT * _apart(size) if better else 0.0
        own = outcomes(random, setting, SEEDS, size=size, mean=level + gain)
        verdict = judge(own.tolist(), at, part=part, noise=noise, images=images)
        if better and verdict.decision == KEPT:
            level, at = level + gain, own.tolist()
        elif not better:
            naive |= bool(own[0] > at[0])
            uncorrected |= _uncorrected(own[:5] - np.array(at[:5]))
            kept |= verdict.decision == KEPT
        seeds += verdict.seeds
        spent += part * (verdict.decision != KEPT)
        variances.append((verdict.variance, verdict.pairs - 1))
    return Series(kept, naive, uncorrected, found, seeds / proposals)


def _is_found(
    random: np.random.Generator, setting: Setting, at: list[float], size: float, part: float,
    noise: Noise, level: float,
) -> bool:  # fmt: skip
    """Whether a proposal that is better by two deviations of its difference would be kept."""
    own = outcomes(random, setting, SEEDS, size=size, mean=level + EFFECT * _apart(size))
    images = setting.images or np.inf
    return judge(own.tolist(), at, part=part, noise=noise, images=images).decision == KEPT


def _apart(size: float) -> float:
    """Standard deviation of a paired difference to a champion of size 1."""
    return float(np.sqrt((1 + size**2) / 2))


def _uncorrected(differences: Numbers) -> bool:
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return bool(differences.mean() > special.stdtrit(len(differences) - 1, 0.975) * error)


def main() -> None:
    """Print one line a setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=500)
    parser.add_argument("--proposals", type=int, default=200)
    parser.add_argument("--only", default="", help="settings whose words hold this")
    asked = parser.parse_args()
    print(f"{asked.series} series of {asked.proposals} proposals that do nothing; a false one is")
    print(
        "kept in this share of series (judge, 95% at five seeds, better at one seed); a true one"
    )
    print(f"of two deviations is kept within 8 seeds (mean over places, and at places {PLACES})")
    for setting in (each for each in SETTINGS if asked.only in each.words):
        random = np.random.default_rng(0)
        done = [one_series(random, setting, asked.proposals) for _ in range(asked.series)]
        rates = [
            float(np.mean([getattr(each, name) for each in done]))
            for name in ("kept", "uncorrected", "naive")
        ]
        places = [place for place in PLACES if place <= asked.proposals]
        power = [float(np.mean([each.found[place] for each in done])) for place in places]
        shown = " ".join(f"{value:.2f}" for value in power)
        seeds = float(np.mean([each.seeds for each in done]))
        print(
            f"{setting.words:40} judge {rates[0]:.3f}, 95% {rates[1]:.3f}, one seed "
            f"{rates[2]:.3f}; power {np.mean(power):.2f} ({shown}); seeds {seeds:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
