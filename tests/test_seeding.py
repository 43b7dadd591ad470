from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dgsearch.seeding import derive_seed


def test_the_seed_of_a_job_never_changes_between_versions() -> None:
    assert derive_seed(0, "pretrain", "order") == 4257187082180845803


@given(seed=st.integers(0, 2**40))
def test_jobs_get_different_seeds_in_range(seed: int) -> None:
    seeds = [
        derive_seed(seed, "a", "b"),
        derive_seed(seed, "a/b"),
        derive_seed(seed + 1, "a", "b"),
    ]
    assert len(set(seeds)) == 3
    assert all(0 <= value < 2**63 for value in seeds)
