#!/usr/bin/env bash
# Ray Tune 2.60.0: the columns of a trial's progress.csv are those of its first report, and of the first report
# after a restore, which gets no header of its own. A trial of two stages that reports the teacher's accuracy
# and then the student's loses the student's; if it stops between the two and Tuner.restore resumes it,
# the student's accuracies stand in the teacher's column. No warning; result.json, and what ResultGrid reads
# from it, are right.
# Output seen: stopped and restored: progress.csv teacher [0.7, 0.8, 0.4, 0.5]
#              result.json teacher [0.7, 0.8] student [0.4, 0.5]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'ray[tune]==2.60.0' pandas==3.1.1 numpy==2.4.6
cat > "$folder/distil.py" <<'PY'
import json
import sys
from pathlib import Path

import pandas as pd
import ray
from ray import tune

folder = Path(sys.argv[1])


def distil(config: dict[str, float]) -> None:
    if tune.get_checkpoint() is None:
        trained = folder / "teacher"
        trained.mkdir()
        tune.report({"epoch": 1, "teacher": 0.7})
        checkpoint = tune.Checkpoint.from_directory(str(trained))
        tune.report({"epoch": 2, "teacher": 0.8}, checkpoint=checkpoint)
        raise RuntimeError("the machine is taken away")
    tune.report({"epoch": 3, "student": 0.4})
    tune.report({"epoch": 4, "student": 0.5})


ray.init(
    address="local",
    num_cpus=1,
    include_dashboard=False,
    log_to_driver=False,
    _temp_dir=str(folder / "r"),
)
run = tune.RunConfig(name="sweep", storage_path=str(folder / "ray"), verbose=0)
tune.Tuner(distil, run_config=run).fit()
restored = tune.Tuner.restore(str(folder / "ray" / "sweep"), distil, resume_errored=True)
trial = Path(restored.fit()[0].path)
table = pd.read_csv(trial / "progress.csv")
print("progress.csv", {name: table[name].tolist() for name in ("teacher", "student") if name in table})
reports = [json.loads(line) for line in (trial / "result.json").read_text().splitlines()]
stages = {
    name: [report[name] for report in reports if name in report] for name in ("teacher", "student")
}
print("result.json", stages)
PY
seen=$("$folder/venv/bin/python" "$folder/distil.py" "$folder" 2> "$folder/errors" | grep -E '^(progress.csv|result.json) {') ||
    { tail -n 20 "$folder/errors"; exit 1; }
echo "$seen"
[[ "$seen" == "progress.csv {'teacher': [0.7, 0.8, 0.4, 0.5]}
result.json {'teacher': [0.7, 0.8], 'student': [0.4, 0.5]}" ]] || { echo "this has changed"; exit 1; }
