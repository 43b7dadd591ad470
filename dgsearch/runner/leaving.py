"""What is done to a trial of Ray Tune, and to its worker, when the trial has ended."""

from __future__ import annotations

from typing import Any


def let_go(trial: Any) -> None:
    """Let the worker of a trial that was stopped give back what it has claimed, if it lives."""
    worker = trial.temporary_state.ray_actor
    if worker is not None:
        worker.let_go.remote()


def forget(trial: Any) -> None:
    """Drop what Ray keeps of a trial that has ended, 40 kB each: the database has it all."""
    metadata = trial.run_metadata
    metadata.metric_analysis, metadata.metric_n_steps, metadata.last_result = {}, {}, {}
    trial.config, trial.evaluated_params = {}, {}
    trial._Trial__unresolved_config = {}
