"""5,000 one-bit flips over all files of a store: `python tests/benchmarks/flipped_bits.py`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.flipping import flipped_bits

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 5000

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        flips = flipped_bits(Path(folder), COUNT, np.random.default_rng(0))
    print(f"{COUNT} flips: {flips}")
    sys.exit(flips.accepted > 0)
