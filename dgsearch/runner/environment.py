"""The process around a study: Ray started quietly, and the facts that a report must tell."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from dgsearch.data.registry import benchmark_domains
from dgsearch.data.splits import load_trial_data
from dgsearch.errors import ArtifactError
from dgsearch.methods.registry import (
    diagnostic_facts,
    expectation_facts,
    family_facts,
    find_method,
    plugin_packages,
)
from dgsearch.processes import available_cores
from dgsearch.runner.declarations import DECLARED, declarations
from dgsearch.study import StudySpec
from dgsearch.study.metrics import metric_facts
from dgsearch.study.plan import methods_of

_PACKAGES = (
    "dgsearch",
    "torch",
    "torchvision",
    "ray",
    "optuna",
    "numpy",
    "pandas",
    "scikit-learn",
)


def check_writable(artifacts: Path) -> None:
    """Try the folder of artifacts before every trial fails for it.

    Raises:
        ArtifactError: If it cannot be written.
    """
    folder = artifacts
    try:
        artifacts.mkdir(parents=True, exist_ok=True)
        for name in ("", "stages", "stages/marks", "splits", "trials"):
            if (folder := artifacts / name).is_dir():
                tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ArtifactError(
            f"artifacts {folder}: cannot be written: {error.strerror}; name another folder "
            "with --artifacts"
        ) from error


def study_facts(spec: StudySpec, study_file: str, *, planned: int) -> dict[str, Any]:
    """What the report tells of a study besides its results.

    Args:
        spec: The study.
        study_file: Text of its file.
        planned: How many trials it will have at most.

    Returns:
        Plain data: the file, the space of each method, versions, git revision, machine, and
        the data's classes and fingerprint.

    Raises:
        DataError: If the data cannot be loaded.
    """
    one_target = find_method(spec.method).one_target
    data = load_trial_data(
        spec.data, seed=spec.seeds[0], device=torch.device("cpu"), one_target=one_target
    )
    methods = methods_of(spec)
    return {
        "study_file": study_file,
        "planned": planned,
        "spaces": {name: find_method(name).space.model_dump(mode="json") for name in methods},
        "stages": {name: _stage_versions(name, spec) for name in methods},
        "diagnostics": diagnostic_facts(methods),
        "expectations": expectation_facts(methods),
        "families": family_facts(methods),
        "summaries": {name: find_method(name).summary for name in methods},
        "versions": {name: version(name) for name in _PACKAGES} | _plugin_versions(methods),
        "python": sys.version.split()[0],
        "git_revision": _git_revision(),
        "machine": _machine(),
        "labels": list(data.labels),
        "metrics": metric_facts(spec.recorded),
        "images": {name: len(part) for name, part in data.splits.items()},
        "data_fingerprint": data.fingerprint,
        DECLARED: declarations(
            spec.data.benchmark,
            benchmark_domains()[spec.data.benchmark],
            one_target=one_target,
        ),
    }


def _stage_versions(name: str, spec: StudySpec) -> dict[str, int]:
    """Version of each stage of a method, and of the method itself where it has one."""
    method = find_method(name)
    shared = {key: value for key, value in spec.hyperparameters.items() if key in method.space}
    stages = method.stages(method.space.resolve(shared))
    own = {name: int(method.version)} if hasattr(method, "version") else {}
    return own | {stage.name: stage.version for stage in stages}


def _plugin_versions(methods: Iterable[str]) -> dict[str, str]:
    """Version of each other package that one of the methods comes from."""
    packages = plugin_packages()
    named = [packages[name].rpartition(" ") for name in methods if name in packages]
    return {package: found for package, _, found in named}


def _git_revision() -> str | None:
    """Revision of the working directory's repository.

    Files are not compared with it: git would run the filters and monitors that the repository
    of the folder configures, and a folder may be anyone's.
    """
    try:
        shown = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "rev-parse", "--short=12", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return shown.stdout.strip() or None


def _machine() -> dict[str, Any]:
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    machine = {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": available_cores(),
        "gpus": gpus,
    }
    return machine | ({"driver": device_driver()} if gpus else {})


def device_driver(kernel: Path = Path("/proc/driver/nvidia/version")) -> str:
    """Version of the accelerator's driver, and of the CUDA or HIP that torch was built for."""
    try:
        text = kernel.read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"\b\d+\.\d+(\.\d+)?\b", text)
    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else f"HIP {torch.version.hip}"
    return f"{found[0] if found else 'unknown'}, {built}"


def _processor() -> str:
    """The processor's name as the kernel tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
