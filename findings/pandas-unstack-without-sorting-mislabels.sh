#!/usr/bin/env bash
# pandas 2.2.2: `unstack(sort=False)` of an index in which not every pair occurs puts values into columns
# that they do not belong to, without an error or a warning. Here "all" was measured under protocol "a"
# alone, and the table shows its 2.0 under "b"; pandas 3.1.1 and the sorted form are right. Tables of
# ragged results (methods x protocols, configurations x seeds) can be wrong in print; `pivot_table` is not.
# Output seen: 2.2.2 unsorted {'b': 2.0, 'a': 3.0} sorted {'a': 2.0}
#              3.1.1 unsorted {'a': 2.0} sorted {'a': 2.0}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cat > "$folder/table.py" <<'PY'
import pandas as pd

pairs = [("one", "b"), ("all", "a"), ("both", "b"), ("both", "a")]
index = pd.MultiIndex.from_tuples(pairs, names=["method", "protocol"])
values = pd.Series([1.0, 2.0, 3.0, 4.0], index=index)
unsorted = values.unstack("protocol", sort=False).loc["all"].dropna().to_dict()
print(pd.__version__, "unsorted", unsorted, "sorted", values.unstack("protocol").loc["all"].dropna().to_dict())
PY
for version in 2.2.2 3.1.1; do
    "$folder/venv/bin/pip" install --quiet "pandas==$version" 'numpy==2.2.6' 2>/dev/null
    "$folder/venv/bin/python" "$folder/table.py" >> "$folder/seen"
done
cat "$folder/seen"
[[ $(cat "$folder/seen") == "2.2.2 unsorted {'b': 2.0, 'a': 3.0} sorted {'a': 2.0}
3.1.1 unsorted {'a': 2.0} sorted {'a': 2.0}" ]]
