"""Seeds with jobs: each source of randomness in a trial has a seed of its own.

A trial's seed never drives a generator directly. Every job (drawing data, splitting it,
initial weights, order of batches, ...) gets a seed hashed from the trial's seed and the
job's name, so that a change in one job leaves the others as they were.
"""

from __future__ import annotations

import hashlib
import json


def derive_seed(seed: int, *job: str) -> int:
    """The seed of one job.

    Args:
        seed: The trial's seed, any integer; 0 is a seed like another.
        *job: Names from the general to the particular, for example "mpbm", "order".

    Returns:
        An integer in [0, 2^63), the same on every machine and in every version.
    """
    text = json.dumps([seed, *job], ensure_ascii=True)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
