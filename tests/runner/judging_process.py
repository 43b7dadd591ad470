"""A judge in a process of its own, whose trials are fakes: `judging_process.py URL CHANGES`."""

from __future__ import annotations

import json
import sys
import time

from dgsearch.database.facts import read_facts
from dgsearch.designs.points import PlannedTrial
from dgsearch.runner.judging import _Series
from dgsearch.study.plan import StudyPlan
from tests.fakes import DISTRIBUTIONS, SPACES, FakeStudy
from tests.runner.test_judging import _accuracy, judged_spec


def _train(study: FakeStudy, series: _Series, trial: PlannedTrial) -> int:
    """One trial, unless another judge has it; then wait until it has ended. Returns how many."""
    own = {name: DISTRIBUTIONS[name] for name in trial.configuration.varied}
    claimed = study.recorder.claim(trial, own, attempt=1, continues=None)
    if claimed is not None:
        time.sleep(0.01)  # others may overtake
        study.begin = lambda _: claimed  # type: ignore[method-assign]
        study.complete(trial, _accuracy(trial))
        return 1
    while (trial.configuration.config_id, trial.seed) not in series._ended.means():
        time.sleep(0.01)
    return 0


def main() -> None:
    """Judge each of a list of changes; print what became of them, and how many were trained."""
    study = FakeStudy(sys.argv[1], judged_spec())
    told, trained = [], 0
    for changes in json.loads(sys.argv[2]):
        facts, plan = read_facts(study.engine, study.spec.name), StudyPlan(study.spec, SPACES)
        series = _Series(study.engine, study.spec, plan, facts, "targets", 8)
        for phase in series.judging(changes):
            trained += sum(
                _train(study, series, trial)
                for trial in phase.trials(None)  # type: ignore[arg-type]
            )
        entry = series.judged[-1]
        assert entry is not None
        told.append([entry.position, entry.asked.changes, entry.part, entry.decision])
    sys.stdout.write(json.dumps({"told": told, "trained": trained}))
    study.engine.dispose()


if __name__ == "__main__":
    main()
