"""The first proposal of a search in a database of 100,000 trials: seconds and memory.

    python -m tests.benchmarks.first_proposal [TRIALS] [DATABASE]

The database is written first, by a process of its own, if it is not there.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

TRIALS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
FILE = Path(sys.argv[2] if len(sys.argv) > 2 else f"/tmp/first_proposal_{TRIALS}.db")
WRITE = (
    "import sys; from tests.bulk import bulk_search; "
    "bulk_search(sys.argv[1], trials=int(sys.argv[2]))"
)


def main() -> None:
    """Write the database if need be, then propose as a run does."""
    if not FILE.exists():
        subprocess.run([sys.executable, "-c", WRITE, f"sqlite:///{FILE}", str(TRIALS)], check=True)
    from dgsearch.database.configurations import stored_configurations
    from dgsearch.database.studies import attempts
    from dgsearch.runner.distributions import proposal_distributions
    from dgsearch.runner.history import History
    from dgsearch.runner.proposals import ProposalQueue
    from dgsearch.study import Search
    from tests.fakes import SPACES, FakeStudy, fake_spec

    imported_mb = _peak_mb()
    raw = _design(TRIALS + 1)
    spec = fake_spec(**raw)
    assert isinstance(spec.design, Search)
    study = FakeStudy(f"sqlite:///{FILE}", spec)
    started = time.perf_counter()
    earlier = attempts(study.engine, study.study_id)
    read_s = time.perf_counter() - started
    history = History(study.engine, study.study_id)
    distributions = proposal_distributions(spec.design, SPACES["mpbm"])
    queue = ProposalQueue(spec, SPACES["mpbm"], history, study.recorder, distributions)
    queue.resume(earlier, stored_configurations(study.engine, study.study_id, role="point"))
    resumed_s = time.perf_counter() - started
    begun = queue.begin_next()
    assert begun is not None
    seconds = time.perf_counter() - started
    print(
        f"{len(earlier)} trials: first proposal after {seconds:.2f} s (attempts {read_s:.2f} s, "
        f"resumed {resumed_s:.2f} s); peak {_peak_mb():.0f} MB, of which imports {imported_mb:.0f}"
    )


def _design(trials: int) -> dict[str, object]:
    ranges = {"low": 0.01, "high": 1.0}
    return {
        "name": "bulk",
        "seeds": [0],
        "baselines": [],
        "data": {
            "benchmark": "digits-mini",
            "source": ["scan"],
            "targets": ["photo", "street", "slanted"],
        },
        "design": {
            "kind": "search",
            "trials": trials,
            "vary": {
                "lambda_adv": ranges,
                "lambda_mix": ranges,
                "T": {"low": 1, "high": 20},
                "N_b": {"low": 2, "high": 20},
                "lr": {"low": 1e-4, "high": 1e-2, "log": True},
                "attention": ["feature", "plain"],
            },
        },
        "halving": {"grace_epochs": 3, "keep_one_in": 3},
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
