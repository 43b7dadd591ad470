#!/usr/bin/env bash
# SALib 1.6.0: `seed=0` is no seed for the analyses by Sobol and Delta, though it is one elsewhere in SALib: their
# bootstraps are drawn from NumPy's global generator, and the confidence intervals of the same outputs differ
# from run to run. With `seed=1` they are equal; the samplers, RBD-FAST and Morris take 0 as a seed too.
# Output seen: equal with seed 0: sobol sample True, latin sample True, sobol False, delta False, rbd_fast True,
#              morris True; with seed 1: all True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet SALib==1.6.0 scipy==1.17.1 numpy==2.4.6 pandas==3.1.1
cat > "$folder/repeat.py" <<'PY'
import numpy as np
from SALib.analyze import delta, morris, rbd_fast, sobol
from SALib.sample import latin
from SALib.sample import morris as paths
from SALib.sample import sobol as sequence

problem = {"num_vars": 3, "names": ["lr", "T", "lambda"], "bounds": [[0, 1]] * 3}


def trained(points: np.ndarray) -> np.ndarray:
    return points[:, 0] + 2 * points[:, 1] ** 2 + points[:, 0] * points[:, 2]


blocks = sequence.sample(problem, 64, seed=1)
spread = latin.sample(problem, 1000, seed=1)
steps = paths.sample(problem, 16, seed=1)
drawn = {
    "sobol sample": lambda seed: sequence.sample(problem, 64, seed=seed),
    "latin sample": lambda seed: latin.sample(problem, 64, seed=seed),
    "sobol": lambda seed: sobol.analyze(problem, trained(blocks), seed=seed)["S1_conf"],
    "delta": lambda seed: delta.analyze(
        problem, spread, trained(spread), num_resamples=5, seed=seed
    )["S1_conf"],
    "rbd_fast": lambda seed: rbd_fast.analyze(
        problem, spread, trained(spread), seed=seed
    )["S1_conf"],
    "morris": lambda seed: morris.analyze(
        problem, steps, trained(steps), seed=seed
    )["mu_star_conf"],
}
for seed in (0, 1):
    found = (f"{name} {np.array_equal(draw(seed), draw(seed))}" for name, draw in drawn.items())
    print(f"equal with seed {seed}:", ", ".join(found))
PY
seen=$("$folder/venv/bin/python" "$folder/repeat.py")
echo "$seen"
[[ "$seen" == "equal with seed 0: sobol sample True, latin sample True, sobol False, delta False, rbd_fast True, morris True
equal with seed 1: sobol sample True, latin sample True, sobol True, delta True, rbd_fast True, morris True" ]] ||
    { echo "this has changed"; exit 1; }
