#!/usr/bin/env bash
# Polars 2.1.0: `read_database` on a connection to SQLite takes a column's type from the first 100 rows.
# Where these are whole numbers, every later fraction is cut to an integer, without an error or a warning.
# A table of hyperparameters (trial, name, value), in the order of the names, begins with the batch sizes:
# all dropouts and learning rates become 0. A list that is given to `pl.Series` raises an error instead, and
# pandas reads it right. `infer_schema_length=None` or `schema_overrides` make Polars right.
# Output seen: polars {'batch_size': 64, 'dropout': 0, 'lr': 0}
#              polars, all rows {'batch_size': 64.0, 'dropout': 0.5, 'lr': 0.01}
#              pandas {'batch_size': 64.0, 'dropout': 0.5, 'lr': 0.01}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet polars==2.1.0 pandas==3.1.1 numpy==2.4.6
cat > "$folder/read.py" <<'PY'
import sqlite3
import sys

import pandas as pd
import polars as pl

database = sqlite3.connect(sys.argv[1])
database.execute("CREATE TABLE hyperparameters (trial INTEGER, name TEXT, value NUMERIC)")
choices = {"lr": (1e-3, 3e-4, 1e-2), "dropout": (0.1, 0.3, 0.5), "batch_size": (16, 32, 64)}
for trial in range(120):
    for name, values in choices.items():
        row = (trial, name, values[trial % 3])
        database.execute("INSERT INTO hyperparameters VALUES (?, ?, ?)", row)
query = "SELECT name, value FROM hyperparameters ORDER BY name, trial"


def largest(rows: list[dict[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for row in rows:
        found[row["name"]] = max(row["value"], found.get(row["name"], 0))
    return found


print("polars", largest(pl.read_database(query, database).to_dicts()))
whole = pl.read_database(query, database, infer_schema_length=None)
print("polars, all rows", largest(whole.to_dicts()))
print("pandas", largest(pd.read_sql(query, database).to_dict("records")))
PY
seen=$("$folder/venv/bin/python" "$folder/read.py" "$folder/study.db")
echo "$seen"
[[ "$seen" == "polars {'batch_size': 64, 'dropout': 0, 'lr': 0}
polars, all rows {'batch_size': 64.0, 'dropout': 0.5, 'lr': 0.01}
pandas {'batch_size': 64.0, 'dropout': 0.5, 'lr': 0.01}" ]] || { echo "this has changed"; exit 1; }
