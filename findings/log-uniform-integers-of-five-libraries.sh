#!/usr/bin/env bash
# What "an integer, log-uniform from 1 to 8" means under random search: Optuna 5.0.0 draws the 1 in 40% of the
# trials, Ray Tune 2.60.0 in 32% and ConfigSpace 1.2.2 in 31%; Syne Tune 0.16.0 and scikit-optimize 0.10.2 draw
# it in 20%, less often than the 2, and the 8 half as often as the others do. hyperopt 0.3.0 is not even uniform
# from 0 to 3: `uniformint` gives the ends half the chance of the others. All round a continuous draw, but each
# between other limits. A search that moves to another library, or a comparison of two, has another prior.
# Output seen: Optuna 1: 0.40 2: 0.18 8: 0.05         Ray Tune 1: 0.32 2: 0.19 8: 0.06
#              ConfigSpace 1: 0.31 2: 0.19 8: 0.06    Syne Tune 1: 0.20 2: 0.26 8: 0.03
#              scikit-optimize 1: 0.20 2: 0.26 8: 0.03
#              hyperopt, uniform 0: 0.17 1: 0.34 2: 0.33 3: 0.16
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet optuna==5.0.0 'ray[tune]==2.60.0' ConfigSpace==1.2.2 syne-tune==0.16.0 \
    scikit-optimize==0.10.2 hyperopt==0.3.0 numpy==2.4.6 scikit-learn==1.9.1 scipy==1.17.1
cat > "$folder/draw.py" <<'PY'
import numpy as np
import optuna
import skopt
import syne_tune.config_space
from ConfigSpace import ConfigurationSpace, Integer
from hyperopt import hp
from hyperopt.pyll.stochastic import sample
from ray import tune

DRAWS = 4000
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
space = ConfigurationSpace(seed=0)
space.add(Integer("n", (1, 8), log=True))
syne = syne_tune.config_space.lograndint(1, 8)
drawn = {
    "Optuna": [study.ask().suggest_int("n", 1, 8, log=True) for _ in range(DRAWS)],
    "Ray Tune": tune.lograndint(1, 9).sample(size=DRAWS, random_state=np.random.RandomState(0)),
    "ConfigSpace": [found["n"] for found in space.sample_configuration(DRAWS)],
    "Syne Tune": syne.sample(size=DRAWS, random_state=np.random.RandomState(0)),
    "scikit-optimize": skopt.space.Integer(1, 8, prior="log-uniform").rvs(DRAWS, random_state=0),
}
uniform = hp.uniformint("n", 0, 3)
random = np.random.default_rng(0)


def shares(values: list[int], of: tuple[int, ...]) -> str:
    return " ".join(f"{number}: {np.mean(np.ravel(values) == number):.2f}" for number in of)


for library, values in drawn.items():
    print(library, shares(values, (1, 2, 8)))
print("hyperopt, uniform", shares([sample(uniform, rng=random) for _ in range(DRAWS)], (0, 1, 2, 3)))
PY
seen=$("$folder/venv/bin/python" "$folder/draw.py" 2> "$folder/errors") || { cat "$folder/errors"; exit 1; }
echo "$seen"
[[ "$seen" == "Optuna 1: 0.40 2: 0.18 8: 0.05
Ray Tune 1: 0.32 2: 0.19 8: 0.06
ConfigSpace 1: 0.31 2: 0.19 8: 0.06
Syne Tune 1: 0.20 2: 0.26 8: 0.03
scikit-optimize 1: 0.20 2: 0.26 8: 0.03
hyperopt, uniform 0: 0.17 1: 0.34 2: 0.33 3: 0.16" ]] || { echo "this has changed"; exit 1; }
