#!/usr/bin/env bash
# DuckDB 2.0.1: the type of a column of a CSV or JSON file is taken from the first 20,480 rows. Where these hold
# whole numbers, later fractions are rounded, without an error (text there is one). Learning curves of 25
# trials with lambda 0 and then of 15 with 0.2, 0.5 and 0.8 have only the values 0 and 1; and the same 0.5 is 1
# when it was read from CSV and 0 from JSON. `sample_size=-1` reads both right; pandas does without.
# Output seen: csv {0: 30000, 1: 10000}
#              json {0: 35000, 1: 5000}
#              csv, all rows {0.0: 25000, 0.2: 5000, 0.5: 5000, 0.8: 5000}
#              pandas {0.0: 25000, 0.2: 5000, 0.5: 5000, 0.8: 5000}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.1 pandas==3.1.1 numpy==2.4.6
cat > "$folder/read.py" <<'PY'
import json
import sys
from pathlib import Path

import duckdb
import pandas as pd

csv, lines = Path(sys.argv[1], "curves.csv"), Path(sys.argv[1], "curves.jsonl")
rows = [
    {"trial": trial, "lambda": 0 if trial < 25 else (0.2, 0.5, 0.8)[trial % 3], "epoch": epoch}
    for trial in range(40)
    for epoch in range(1000)
]
lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
csv.write_text("trial,lambda,epoch\n" + "".join("{trial},{lambda},{epoch}\n".format(**row) for row in rows))


def counts(source: str) -> dict[float, int]:
    query = f'SELECT "lambda", count(*) FROM {source} GROUP BY 1 ORDER BY 1'
    return dict(duckdb.sql(query).fetchall())


print("csv", counts(f"'{csv}'"))
print("json", counts(f"'{lines}'"))
print("csv, all rows", counts(f"read_csv('{csv}', sample_size=-1)"))
print("pandas", pd.read_csv(csv)["lambda"].value_counts().sort_index().to_dict())
PY
seen=$("$folder/venv/bin/python" "$folder/read.py" "$folder")
echo "$seen"
[[ "$seen" == "csv {0: 30000, 1: 10000}
json {0: 35000, 1: 5000}
csv, all rows {0.0: 25000, 0.2: 5000, 0.5: 5000, 0.8: 5000}
pandas {0.0: 25000, 0.2: 5000, 0.5: 5000, 0.8: 5000}" ]] || { echo "this has changed"; exit 1; }
