#!/usr/bin/env bash
# ASHA of Ray Tune 2.60.0, Optuna 5.0.0 and Syne Tune 0.16.0, which keeps the best third of a rung: 90 trials
# report the same losses, 13 of them NaN because they diverged, and the three do three different things.
# Ray lets all 13 continue, to the last epoch, as NaN is never below a cut-off. Optuna stops all of them but
# does not count them in the rung, so it stops more of the good ones too. Syne Tune stops them but ranks all
# later trials in a list that NaN leaves unsorted, so losses far above the best third continue: the mean of
# those that pass is 0.29 instead of 0.20. With infinity in the place of NaN the three nearly agree.
# Output seen: NaN Ray 39 pass, 13 diverged, mean 0.17 Optuna 21 pass, 0 diverged, mean 0.12
#                  Syne Tune 35 pass, 0 diverged, mean 0.29
#              inf Ray 29 pass, 0 diverged, mean 0.19 Optuna 26 pass, 0 diverged, mean 0.16
#                  Syne Tune 30 pass, 0 diverged, mean 0.20
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'ray[tune]==2.60.0' optuna==5.0.0 syne-tune==0.16.0 numpy==2.4.6
cat > "$folder/halve.py" <<'PY'
import math
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import optuna
from ray.tune.schedulers import ASHAScheduler
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import uniform
from syne_tune.optimizer.schedulers.asha import AsynchronousSuccessiveHalving

optuna.logging.set_verbosity(optuna.logging.ERROR)
RUNG = {"max_t": 9, "grace_period": 3, "reduction_factor": 3, "time_attr": "epoch"}


def ray_tune(losses: list[float]) -> list[bool]:
    asha = ASHAScheduler(metric="loss", mode="min", **RUNG)
    passed = []
    for number, loss in enumerate(losses):
        trial = SimpleNamespace(trial_id=str(number))
        asha.on_trial_add(None, trial)
        passed.append(asha.on_trial_result(None, trial, {"epoch": 3, "loss": loss}) == "CONTINUE")
    return passed


def of_optuna(losses: list[float]) -> list[bool]:
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=3, reduction_factor=3)
    study = optuna.create_study(pruner=pruner)
    passed = []
    for loss in losses:
        trial = study.ask()
        trial.report(loss, step=3)
        passed.append(not trial.should_prune())
    return passed


def syne_tune(losses: list[float]) -> list[bool]:
    asha = AsynchronousSuccessiveHalving({"x": uniform(0, 1)}, "loss", random_seed=0, **RUNG)
    passed = []
    for number, loss in enumerate(losses):
        trial = Trial(number, asha.suggest().config, datetime.now())
        asha.on_trial_add(trial)
        passed.append(asha.on_trial_result(trial, {"epoch": 3, "loss": loss}) == "CONTINUE")
    return passed


random = np.random.default_rng(2)
losses = random.permutation(90) / 90
diverged = random.random(90) < 0.1
for name, value in (("NaN", math.nan), ("inf", math.inf)):
    given = np.where(diverged, value, losses).tolist()
    for library, halved in (("Ray", ray_tune), ("Optuna", of_optuna), ("Syne Tune", syne_tune)):
        passed = np.array(halved(given))
        mean = losses[passed & ~diverged].mean()
        print(f"{name} {library} {passed.sum()} pass, {(passed & diverged).sum()} diverged, mean {mean:.2f}")
PY
seen=$("$folder/venv/bin/python" "$folder/halve.py" 2> "$folder/errors") || { cat "$folder/errors"; exit 1; }
echo "$seen"
[[ "$seen" == "NaN Ray 39 pass, 13 diverged, mean 0.17
NaN Optuna 21 pass, 0 diverged, mean 0.12
NaN Syne Tune 35 pass, 0 diverged, mean 0.29
inf Ray 29 pass, 0 diverged, mean 0.19
inf Optuna 26 pass, 0 diverged, mean 0.16
inf Syne Tune 30 pass, 0 diverged, mean 0.20" ]] || { echo "this has changed"; exit 1; }
