"""How long the frames take beside Optuna's own, plain SQL and `pandas.read_sql`.

All figures of one call come from one run on one machine; only the ratios mean something. Every
reading is repeated and the fastest counts. Peaks of memory are of fresh processes, above what
the process holds before it reads.

Usage: python tests/benchmarks/frames.py [--trials 5000] [--reports 100] [--scale 1000 10000]
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from dgsearch.database.queries import read_curves, read_trials
from dgsearch.database.tables import STATES

PARAMETERS = 10


def by_optuna(url: str) -> pd.DataFrame:
    """Optuna's own frame."""
    import optuna

    return optuna.load_study(study_name="large", storage=url).trials_dataframe()


def by_hand(url: str) -> pd.DataFrame:
    """What a careful person writes in SQL and pandas: typed, choices decoded, times parsed."""
    from sqlalchemy import create_engine

    engine = create_engine(url)
    with engine.connect() as connection:
        trials = pd.read_sql_query(
            "SELECT t.trial_id, s.study_name AS study, t.number AS trial_number, t.state, v.value,"
            " t.datetime_start AS started_at, t.datetime_complete AS finished_at"
            " FROM trials t JOIN studies s ON s.study_id = t.study_id"
            " LEFT JOIN trial_values v ON v.trial_id = t.trial_id AND v.objective = 0"
            " WHERE s.study_name = 'large' ORDER BY t.number",
            connection,
            parse_dates=["started_at", "finished_at"],
        ).set_index("trial_id")
        params = pd.read_sql_query(
            "SELECT p.trial_id, p.param_name, p.param_value"
            " FROM trial_params p JOIN trials t ON t.trial_id = p.trial_id"
            " JOIN studies s ON s.study_id = t.study_id WHERE s.study_name = 'large'",
            connection,
        )
        described = pd.read_sql_query(
            "SELECT DISTINCT p.param_name, p.distribution_json"
            " FROM trial_params p JOIN trials t ON t.trial_id = p.trial_id"
            " JOIN studies s ON s.study_id = t.study_id WHERE s.study_name = 'large'",
            connection,
        ).set_index("param_name")["distribution_json"]
    engine.dispose()
    wide = params.pivot(index="trial_id", columns="param_name", values="param_value")
    for name, text in described.items():
        attributes = json.loads(text)["attributes"]
        if "choices" in attributes:
            wide[name] = np.array(attributes["choices"])[wide[name].astype(int)]
    trials["state"] = pd.Categorical(trials["state"], list(STATES), ordered=True)
    return trials.join(wide)


def raw_curves(url: str) -> pd.DataFrame:
    """The same columns in the same order, by `pandas.read_sql` alone."""
    from sqlalchemy import create_engine

    engine = create_engine(url)
    with engine.connect() as connection:
        frame = pd.read_sql(
            "SELECT s.study_name AS study, t.number AS trial_number, i.step AS epoch,"
            " i.intermediate_value AS value FROM trial_intermediate_values i"
            " JOIN trials t ON t.trial_id = i.trial_id JOIN studies s ON s.study_id = t.study_id"
            " WHERE s.study_name = 'large' ORDER BY t.study_id, t.number, i.step",
            connection,
        )
    engine.dispose()
    return frame


READERS: dict[str, Callable[[str], pd.DataFrame]] = {
    "trials_dataframe": by_optuna,
    "sql_and_pivot": by_hand,
    "read_trials": lambda url: read_trials(url, "large"),
    "raw_read_sql": raw_curves,
    "read_curves": lambda url: read_curves(url, "large"),
}


def seconds(reader: Callable[[str], pd.DataFrame], url: str, repeat: int) -> float:
    """The fastest of some readings."""
    times = []
    for _ in range(repeat):
        gc.collect()
        started = time.perf_counter()
        reader(url)
        times.append(time.perf_counter() - started)
    return min(times)


def peak_mb(reader: str, url: str, small_url: str) -> float:
    """Memory that a reading takes in a fresh process that has read a small study before."""
    command = [sys.executable, __file__, "--peak", reader, url, small_url]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(shown.stdout)


def print_peak(reader: str, url: str, small_url: str) -> None:
    """Read, and print how far the peak of this process rose."""
    READERS[reader](small_url)
    before = _peak_so_far_mb()
    READERS[reader](url)
    print(_peak_so_far_mb() - before)


def _peak_so_far_mb() -> float:
    """The largest memory that this process ever held; Linux only."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(status.partition("VmHWM:")[2].split()[0]) / 1024


def compare(folder: Path, trials: int, reports: int) -> None:
    """Times and peaks on one study."""
    from tests.benchmarks.frames_setup import write_study

    size = {"parameters": PARAMETERS, "reports": reports}
    url = write_study(folder / "large.db", trials=trials, **size)
    small_url = write_study(folder / "small.db", trials=20, **size)
    print(f"{trials} trials x {PARAMETERS} parameters x {reports} reports, SQLite")
    times = {name: seconds(READERS[name], url, 5) for name in list(READERS)[1:]}
    times["trials_dataframe"] = seconds(by_optuna, url, 1)
    peaks = {name: peak_mb(name, url, small_url) for name in READERS}
    for name in READERS:
        print(f"  {name:17} {times[name]:8.3f} s  {peaks[name]:7.1f} MB")
    optuna, own = times["trials_dataframe"], times["read_trials"]
    print(f"trials_dataframe / read_trials: {optuna / own:.0f} (at least 60)")
    print(f"read_trials / SQL and pivot: {own / times['sql_and_pivot']:.2f} (at most 1.5)")
    curves = times["read_curves"] / times["raw_read_sql"]
    print(f"read_curves / read_sql: {curves:.2f} (at most 1.5)")
    memory = peaks["read_trials"] / peaks["trials_dataframe"]
    print(f"peak of read_trials / of trials_dataframe: {memory:.3f} (at most 0.2)")


def scale(folder: Path, sizes: list[int]) -> None:
    """Times of `read_trials` for growing studies of six hyperparameters."""
    from tests.benchmarks.frames_setup import write_study

    print("read_trials, 6 parameters, no reports, SQLite")
    for trials in sizes:
        url = write_study(folder / f"{trials}.db", trials=trials, parameters=6, reports=0)
        elapsed = seconds(READERS["read_trials"], url, 3)
        print(f"  {trials:7} trials {elapsed:7.3f} s {elapsed / trials * 1e6:6.1f} us a trial")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--reports", type=int, default=100)
    parser.add_argument("--scale", type=int, nargs="*", default=[1000, 10_000, 100_000])
    parser.add_argument("--peak", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        print_peak(*arguments.peak)
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), arguments.trials, arguments.reports)
        scale(Path(folder), arguments.scale)


if __name__ == "__main__":
    main()
