#!/usr/bin/env bash
# Optuna 5.0.0 on SQLite: after delete_study, the next study gets the study_id of the deleted one,
# and its trials the deleted trials' ids, where these were the largest. A table of another tool
# that is keyed by these ids then describes another study. PostgreSQL never repeats an id.
# Output seen: "deleted study 2 with trials [3, 4]; the next study has id 2 and trials [3, 4]".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet optuna==5.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
storage = optuna.storages.RDBStorage("sqlite:///studies.db")


def made(name: str) -> tuple[int, list[int]]:
    study = optuna.create_study(study_name=name, storage=storage)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    return study._study_id, [trial._trial_id for trial in study.trials]


made("first")
deleted = made("second")
optuna.delete_study(study_name="second", storage=storage)
following = made("third")
print(
    f"deleted study {deleted[0]} with trials {deleted[1]}; "
    f"the next study has id {following[0]} and trials {following[1]}"
)
if deleted != following:
    raise SystemExit("this has changed: ids are no longer handed out again")
PY
