#!/usr/bin/env bash
# statsmodels 0.15.0: `multipletests` counts a missing p value (NaN, of a comparison that could not be made)
# among the tests: Holm's and Bonferroni's factors are one too many, and Benjamini-Hochberg answers NaN for
# all of them. pingouin 0.7.0 leaves it out. Of the same four comparisons Holm then finds four significant
# at 0.05 by pingouin and one by statsmodels; neither warns.
# Output seen: holm statsmodels [0.005, 0.056, 0.06, nan, 0.06] pingouin [0.004, 0.042, 0.042, nan, 0.042]
#              fdr_bh statsmodels [nan, nan, nan, nan, nan] pingouin [0.004, 0.027, 0.027, nan, 0.03]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet statsmodels==0.15.0 pingouin==0.7.0 scipy==1.17.1 numpy==2.4.6 pandas==3.1.1
cat > "$folder/adjust.py" <<'PY'
import warnings

import numpy as np
import pingouin
from statsmodels.stats.multitest import multipletests

warnings.simplefilter("error")  # a warning would be an end
given = [0.001, 0.014, 0.020, np.nan, 0.030]
for method in ("holm", "fdr_bh"):
    found = {
        "statsmodels": multipletests(given, method=method)[1],
        "pingouin": pingouin.multicomp(given, method=method)[1],
    }
    print(method, *(f"{name} {np.round(values, 3).tolist()}" for name, values in found.items()))
PY
seen=$("$folder/venv/bin/python" "$folder/adjust.py")
echo "$seen"
[[ "$seen" == "holm statsmodels [0.005, 0.056, 0.06, nan, 0.06] pingouin [0.004, 0.042, 0.042, nan, 0.042]
fdr_bh statsmodels [nan, nan, nan, nan, nan] pingouin [0.004, 0.027, 0.027, nan, 0.03]" ]] ||
    { echo "this has changed"; exit 1; }
