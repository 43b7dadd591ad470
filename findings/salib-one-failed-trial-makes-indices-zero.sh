#!/usr/bin/env bash
# SALib 1.6.0 and SciPy 1.17.1: one NaN among the outputs (of 2048, a trial that diverged) makes every Sobol
# index 0, first order and total, and the half-widths of SALib's confidence intervals too: as if no
# hyperparameter had any influence, and that for certain. Neither warns. RBD-FAST, of SALib too, answers NaN.
# Output seen: complete: S1 [0.33, 0.62, 0.04] ST [0.34, 0.62, 0.05] conf [0.09, 0.14, 0.04]
#              one NaN: S1 [0.0, 0.0, 0.0] ST [0.0, 0.0, 0.0] conf [0.0, 0.0, 0.0]
#              SciPy, one NaN: S1 [0.0, 0.0, 0.0] ST [0.0, 0.0, 0.0]
#              RBD-FAST, one NaN: S1 [nan, nan, nan]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet SALib==1.6.0 scipy==1.17.1 numpy==2.4.6 pandas==3.1.1
cat > "$folder/indices.py" <<'PY'
import warnings

import numpy as np
from SALib.analyze import rbd_fast, sobol
from SALib.sample import latin
from SALib.sample.sobol import sample
from scipy.stats import sobol_indices

warnings.simplefilter("error")  # a warning would be an end
problem = {"num_vars": 3, "names": ["lr", "T", "lambda"], "bounds": [[0, 1]] * 3}


def trained(points: np.ndarray) -> np.ndarray:
    return points[:, 0] + 2 * points[:, 1] ** 2 + points[:, 0] * points[:, 2]


def rounded(values: np.ndarray) -> list[float]:
    return np.round(np.asarray(values, dtype=float), 2).tolist()


outputs = trained(sample(problem, 256, seed=1))
for name in ("complete", "one NaN"):
    found = sobol.analyze(problem, outputs, seed=1)
    print(f"{name}: S1 {rounded(found['S1'])} ST {rounded(found['ST'])} conf {rounded(found['S1_conf'])}")
    outputs[7] = np.nan
first, second, step = outputs[0::8], outputs[7::8], 8
mixed = np.stack([outputs[1 + place :: step] for place in range(3)])
given = {"f_A": first[None], "f_B": second[None], "f_AB": mixed[:, None]}
found = sobol_indices(func=given, n=256)
print(f"SciPy, one NaN: S1 {rounded(found.first_order)} ST {rounded(found.total_order)}")
points = latin.sample(problem, 256, seed=1)
outputs = trained(points)
outputs[7] = np.nan
print(f"RBD-FAST, one NaN: S1 {rounded(rbd_fast.analyze(problem, points, outputs, seed=1)['S1'])}")
PY
seen=$("$folder/venv/bin/python" "$folder/indices.py")
echo "$seen"
[[ "$seen" == "complete: S1 [0.33, 0.62, 0.04] ST [0.34, 0.62, 0.05] conf [0.09, 0.14, 0.04]
one NaN: S1 [0.0, 0.0, 0.0] ST [0.0, 0.0, 0.0] conf [0.0, 0.0, 0.0]
SciPy, one NaN: S1 [0.0, 0.0, 0.0] ST [0.0, 0.0, 0.0]
RBD-FAST, one NaN: S1 [nan, nan, nan]" ]] || { echo "this has changed"; exit 1; }
