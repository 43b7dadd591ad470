#!/usr/bin/env bash
# PyTorch 2.14.1: `persistent_workers=True`, a setting of speed, changes the order of shuffled data from the
# second epoch on, with the same seed; the number of workers does not. Without it each epoch draws a seed for
# new workers from the generator and then one for the shuffling; with it only the first epoch draws the former.
# So the third epoch with persistent workers has the order of the second one without. A run is repeated
# exactly only if this setting is repeated too.
# Output seen: 0 workers [[2, 0, 5, 3, 1, 4, 7, 6], [0, 3, 7, 1, 6, 2, 5, 4], [5, 7, 1, 6, 2, 0, 3, 4]]
#              2 workers [[2, 0, 5, 3, 1, 4, 7, 6], [0, 3, 7, 1, 6, 2, 5, 4], [5, 7, 1, 6, 2, 0, 3, 4]]
#              2 persistent [[2, 0, 5, 3, 1, 4, 7, 6], [7, 2, 0, 5, 3, 4, 6, 1], [0, 3, 7, 1, 6, 2, 5, 4]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 numpy==2.4.6
cat > "$folder/orders.py" <<'PY'
import torch
from torch.utils.data import DataLoader


def orders(workers: int, persistent: bool) -> list[list[int]]:
    torch.manual_seed(0)
    loader = DataLoader(
        range(8), shuffle=True, num_workers=workers, persistent_workers=persistent
    )
    return [[int(item) for item in loader] for _ in range(3)]


if __name__ == "__main__":
    print("0 workers", orders(0, False))
    print("2 workers", orders(2, False))
    print("2 persistent", orders(2, True))
PY
seen=$("$folder/venv/bin/python" "$folder/orders.py")
echo "$seen"
[[ "$seen" == "0 workers [[2, 0, 5, 3, 1, 4, 7, 6], [0, 3, 7, 1, 6, 2, 5, 4], [5, 7, 1, 6, 2, 0, 3, 4]]
2 workers [[2, 0, 5, 3, 1, 4, 7, 6], [0, 3, 7, 1, 6, 2, 5, 4], [5, 7, 1, 6, 2, 0, 3, 4]]
2 persistent [[2, 0, 5, 3, 1, 4, 7, 6], [7, 2, 0, 5, 3, 4, 6, 1], [0, 3, 7, 1, 6, 2, 5, 4]]" ]] ||
    { echo "this has changed"; exit 1; }
