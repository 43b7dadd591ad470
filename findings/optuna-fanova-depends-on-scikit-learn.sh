#!/usr/bin/env bash
# Optuna 5.0.0: fANOVA importances of the same trials with the same seed are not the same with
# scikit-learn 1.8.0 and 1.9.0, whose random forests it grows: of three seeds two agree to six digits
# and one does not, and the share of `grid` nearly doubles. A published importance needs both versions.
# Output seen: 1.8.0 {5: 0.009088, 6: 0.010414, 7: 0.00207}
#              1.9.0 {5: 0.009088, 6: 0.010414, 7: 0.003829}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cat > "$folder/shares.py" <<'PY'
import numpy as np
import optuna
import sklearn
from optuna.distributions import CategoricalDistribution, FloatDistribution

optuna.logging.set_verbosity(optuna.logging.ERROR)
random = np.random.default_rng(1)
grid = random.choice([0, 1, 2, 3], 60)
kind = random.choice(["a", "b", "c"], 60)
lr = random.uniform(-4, -2, 60)
x = random.uniform(0, 1, 60)
values = x + 0.2 * (kind == "a") + np.random.default_rng(0).normal(0, 0.1, 60)
space = {
    "grid": FloatDistribution(-0.5, 3.5),
    "kind": CategoricalDistribution(("a", "b", "c")),
    "lr": FloatDistribution(lr.min(), lr.max()),
    "x": FloatDistribution(x.min(), x.max()),
}
study = optuna.create_study()
for row in zip(grid.tolist(), kind.tolist(), lr.tolist(), x.tolist(), values.tolist()):
    params = dict(zip(space, row))
    study.add_trial(optuna.create_trial(params=params, distributions=space, value=row[-1]))
found = {}
for seed in (5, 6, 7):
    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=24, max_depth=2, seed=seed)
    found[seed] = round(float(evaluator.evaluate(study)["grid"]), 6)
print(sklearn.__version__, found)
PY
for version in 1.8.0 1.9.0; do
    "$folder/venv/bin/pip" install --quiet optuna==5.0.0 numpy==2.4.6 scipy==1.17.1 "scikit-learn==$version"
    "$folder/venv/bin/python" "$folder/shares.py" | tee "$folder/$version"
done
grep -qx "1.8.0 {5: 0.009088, 6: 0.010414, 7: 0.00207}" "$folder/1.8.0" &&
    grep -qx "1.9.0 {5: 0.009088, 6: 0.010414, 7: 0.003829}" "$folder/1.9.0" ||
    { echo "this has changed"; exit 1; }
