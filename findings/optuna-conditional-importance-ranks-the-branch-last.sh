#!/usr/bin/env bash
# Optuna 5.0.0: where a choice opens a branch with a hyperparameter of its own, the default importance
# (PED-ANOVA, conditional) gives nearly all of it to that hyperparameter. Here the choice of the model
# moves the value by 1.00 and `good_x` by at most 0.01, yet `model` gets 0.04 and `good_x` 0.96.
# fANOVA, on the hyperparameters that all trials share, gives `model` 1.0. PED-ANOVA asks what tells
# the best tenth from the other trials; within the good branch that is `good_x` alone.
# Output seen: PED-ANOVA {'good_x': 0.96, 'model': 0.04, 'bad_x': 0.0}; fANOVA {'model': 1.0}.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet optuna==5.0.0 numpy==2.4.6 scikit-learn==1.9.1 scipy==1.17.1
"$folder/venv/bin/python" - <<'PY'
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial: optuna.Trial) -> float:
    if trial.suggest_categorical("model", ["good", "bad"]) == "good":
        return 1.0 + 0.01 * trial.suggest_float("good_x", 0, 1)
    return 0.01 * trial.suggest_float("bad_x", 0, 1)


study = optuna.create_study(
    direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0)
)
study.optimize(objective, n_trials=200)
default = optuna.importance.get_param_importances(study)
fanova = optuna.importance.get_param_importances(
    study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0)
)
print("PED-ANOVA", {name: round(float(share), 2) for name, share in default.items()})
print("fANOVA", {name: round(float(share), 2) for name, share in fanova.items()})
if not (default["model"] < 0.1 and default["good_x"] > 0.9 and fanova["model"] > 0.99):
    raise SystemExit("this has changed: the choice of the branch is no longer ranked last")
PY
