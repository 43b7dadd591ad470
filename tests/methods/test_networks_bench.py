"""`make gpu-bench` runs to its end on a machine that has PyTorch, numpy and what is carried."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.carried import copy_installed

REPOSITORY = Path(__file__).parents[2]
SCRIPT = REPOSITORY / "tests" / "benchmarks" / "gpu_bench.py"


def _required(names: list[str]) -> set[str]:
    """Those distributions and all that they need, of what is installed."""
    found: set[str] = set()
    while names:
        name = names.pop().lower().replace("_", "-")
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        if name not in found:
            found.add(name)
            lines = [line for line in needs if "extra ==" not in line]
            names += ["".join(_name_of(line)) for line in lines]
    return found


def _name_of(requirement: str) -> str:
    """The name at the beginning of a requirement."""
    end = next((i for i, c in enumerate(requirement) if c not in "-_." and not c.isalnum()), None)
    return requirement[:end]


def bare_packages(folder: Path) -> Path:
    """A folder of links to PyTorch and numpy with what they need, and nothing else."""
    folder.mkdir()
    for name in _required(["torch", "numpy"]):
        for file in metadata.distribution(name).files or ():
            top = file.parts[0]
            link = folder / top
            if top not in ("..", "__pycache__") and not link.is_symlink():
                link.symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / top)
    return folder


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that finds nothing else than that."""
    folder = tmp_path_factory.mktemp("machine")
    packages = bare_packages(folder / "packages")
    copy_installed(folder / "carried")
    paths = os.pathsep.join([str(packages), str(REPOSITORY)])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"PYTHONPATH": paths, "DGSEARCH_CARRIED": str(folder / "carried")}


def test_a_bare_machine_has_nothing_of_ours(bare: dict[str, str]) -> None:
    code = (
        "import importlib.util as u; "
        "print([n for n in ('torch', 'numpy', 'pydantic', 'PIL', 'ray', 'pandas', 'pytest') "
        "if u.find_spec(n)])"
    )
    ran = subprocess.run(
        [sys.executable, "-S", "-c", code], env=bare, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "['torch', 'numpy']"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_whole_script_runs_there(bare: dict[str, str], tmp_path: Path) -> None:
    written = tmp_path / "found.json"
    command = [sys.executable, "-S", str(SCRIPT), "--tiny", "--device", "cpu", "-o", str(written)]
    ran = subprocess.run(command, env=bare, capture_output=True, text=True, timeout=550)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(written.read_text(encoding="utf-8"))
    assert json.loads(ran.stdout) == found  # one JSON, and nothing beside it
    assert found["failures"] == []
    assert found["device"] == "cpu"
    assert found["cut"] == []
    named = ("packed", "fused", "fused_against_packed", "graphs", "resident", "options", "cost")
    for name in (*named, "memory_mb"):
        figures = {k: v for k, v in found[name].items() if k != "seconds"}
        assert figures
        assert all(0 < value < 1e4 for value in figures.values()), (name, figures)
    for method in ("erm", "mpbm", "augkd"):
        assert found["repeated"][method]["agrees"] is True
    assert found["fused_equality"]["equal"] is True
    assert found["graph_equality"]["equal"] is True
    assert found["graph_equality"]["erm"]["bitwise"] is True


class _Outcomes:
    """A plug-in of pytest that counts how tests end."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.counts[report.outcome] += 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_tests_of_accelerators_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, where PyTorch is imported; their modules are imported anew."""
    modules = ("test_cohorts_gpu", "test_graphs_gpu", "test_networks_gpu")
    monkeypatch.setenv("DGSEARCH_GPU_TESTS_ON", "cpu")
    for name in ("tests.gpu_device", *(f"tests.methods.{module}" for module in modules)):
        monkeypatch.delitem(sys.modules, name, raising=False)
    *whole, networks = (f"{REPOSITORY / 'tests' / 'methods' / module}.py" for module in modules)
    test = "test_an_option_for_speed_keeps_accuracy_within_noise[memory_format]"
    ended = _Outcomes()
    options = ["-q", "-m", "gpu", "-p", "no:cacheprovider", "-p", "no:faulthandler", "--timeout=0"]
    code = pytest.main([*options, *whole, f"{networks}::{test}"], plugins=[ended])
    assert code == 0
    assert set(ended.counts) == {"passed"}
    assert ended.counts["passed"] > 10


@pytest.mark.slow
def test_what_fails_is_told_and_the_rest_is_measured(tmp_path: Path) -> None:
    from tests.benchmarks.gpu_bench import Section, failures, fused_against_packed, measure
    from tests.benchmarks.gpu_many import Figures
    from tests.benchmarks.gpu_setting import Scale

    def broken(root: Path, scale: Scale) -> Figures:
        yield "before", 1.0
        raise ValueError("no such kernel")

    def slow(root: Path, scale: Scale) -> Figures:
        yield "before", 1.0
        time.sleep(60)
        yield "after", 1.0

    def importing(root: Path, scale: Scale) -> Figures:
        sys.path.insert(0, str(tmp_path))
        try:
            yield "done", float(importlib.import_module("takes_time").DONE)
            time.sleep(60)
            yield "after", 1.0
        finally:
            sys.path.remove(str(tmp_path))

    (tmp_path / "takes_time.py").write_text("import time\ntime.sleep(1.0)\nDONE = 1\n")

    def section(**figures: Any) -> Section:
        return Section(1, lambda root, scale: iter(figures.items()))

    sections = {
        "broken": Section(1, broken),
        "slow": Section(1, slow),
        "importing": Section(1, importing),
        "whole": section(speedup=2.0),
        "repeated": section(mpbm={"agrees": False}, erm={"agrees": True}),
        "fused_equality": section(equal=False),
        "graph_equality": section(equal=False),
        "fused": section(**{"8": 6.0, "mpbm 8": 2.0}),
        "packed": section(best=3.0),
    }
    found = measure(sections, tmp_path, Scale("cpu"), budget_s=2.0)
    assert found["broken"]["before"] == 1.0  # what was found until then is kept
    assert found["slow"]["before"] == 1.0
    assert "after" not in found["slow"]
    assert found["slow"]["cut"].startswith("no more was measured in its 0.")
    assert found["slow"]["seconds"] < 2
    assert found["importing"]["done"] == 1.0  # a module is imported whole
    assert found["importing"]["cut"]
    assert found["whole"]["speedup"] == 2.0
    assert fused_against_packed(found) == {"8": 2.0}
    assert failures(found) == [
        "broken: ValueError: no such kernel",
        "fused_equality: fused and single trials differ",
        "graph_equality: recorded steps and those one by one differ",
        "repeated: two runs of mpbm differ with deterministic algorithms",
    ]
