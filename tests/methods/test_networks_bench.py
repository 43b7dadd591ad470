"""`make gpu-bench` runs to its end without Ray, a database or scikit-learn."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "gpu_bench.py"
ABSENT = ("ray", "optuna", "sqlalchemy", "sklearn", "scipy", "plotly", "pyarrow", "jinja2")
CODE = f"""
import runpy, sys
for name in {ABSENT}:
    sys.modules[name] = None  # an import of it fails
sys.argv = ["gpu_bench.py", "--small", "-o", sys.argv[1]]
runpy.run_path({str(SCRIPT)!r}, run_name="__main__")
"""


@pytest.mark.slow
def test_the_benchmark_of_an_accelerator_writes_its_ratios(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", CODE, str(tmp_path / "found.json")], check=True)
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert set(found["ratios"]) == {"packed", "resident", "bf16", "mpbm", "augkd"}
    numbers = [value for row in found["ratios"].values() for value in row.values()]
    assert all(0 < value < 1e4 for value in numbers)
    assert found["device"]
