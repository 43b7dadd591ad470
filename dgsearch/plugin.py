"""What other packages need to add methods, benchmarks, metrics, designs and sections to dgsearch.

A plug-in imports from here, and from `dgsearch` itself, alone.

**What is promised.** A name of `__all__` keeps its meaning, its arguments and their order within
a minor version: what is written for dgsearch 0.3.0 runs with every 0.3.x. A later minor version
may add names, arguments with a default, and fields with a default. Before a name or an argument
goes or changes its meaning, one minor version at least warns of it with
`dgsearch.deprecation.DgsearchDeprecationWarning`, which names what takes its place, and the
changelog lists it. Every other module may change at any time. Numbers of the built-in stages
may change with any version; the `version` of the stage is raised then.

| to add | entry-point group | what it names | begin with |
| --- | --- | --- | --- |
| a method | `dgsearch.methods` | a `Method` | `SingleDomain`, or `Stage` and `StageRun` |
| a benchmark | `dgsearch.benchmarks` | a function from `DataPlace` to a `Benchmark` | `Domain` |
| a metric | `dgsearch.metrics` | a `Metric` | `Metric` |
| a design | `dgsearch.designs` | a class of `Design` | `Design`, `Configuration` |
| a page's section | `dgsearch.sections` | a function from `StudyView` to `Section`s | `Section` |
| a network | `dgsearch.networks` | a function that makes an extractor | |

`dgsearch methods --new NAME` writes a package that begins with this. Names are imported when
they are first used, so that metrics and designs need not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dgsearch.data.batches import Batch, Split
    from dgsearch.data.benchmark import Benchmark, DataPlace, Domain
    from dgsearch.data.items import items_benchmark
    from dgsearch.data.splits import SOURCE_TRAIN
    from dgsearch.designs.base import Design
    from dgsearch.designs.fields import Range
    from dgsearch.designs.points import Asked, Configuration, Ended, Phase, PlannedTrial
    from dgsearch.designs.sampling import in_range
    from dgsearch.diagnostics import Along, Diagnostic, FailureCheck
    from dgsearch.errors import (
        DataError,
        DgsearchError,
        MethodError,
        Problem,
        TrainingError,
        one_of,
    )
    from dgsearch.methods.base import (
        CannotFuse,
        Cohort,
        Fusable,
        HasClassifier,
        HasSamples,
        HasWarnings,
        Method,
        Product,
        Stage,
        StageContext,
        StageRun,
        Values,
        check_finite,
    )
    from dgsearch.methods.networks import Classifier
    from dgsearch.methods.registry import find_method
    from dgsearch.methods.single_domain import (
        BatchLoss,
        BatchStep,
        Memory,
        Modules,
        Observed,
        Settings,
        SingleDomain,
        descend,
        plain_loss,
    )
    from dgsearch.methods.stacked import StackedNetwork, StackedOptimiser
    from dgsearch.methods.supervised import COMMON, PRETRAIN
    from dgsearch.report.parts import Cell, Note, Section, Table, Warn
    from dgsearch.report.view import StudyView
    from dgsearch.runner.commands import load_study
    from dgsearch.space import Choice, Float, Int, Space, Value, join
    from dgsearch.study.metrics import Metric

__all__ = [
    "COMMON",
    "PRETRAIN",
    "SOURCE_TRAIN",
    "Along",
    "Asked",
    "Batch",
    "BatchLoss",
    "BatchStep",
    "Benchmark",
    "CannotFuse",
    "Cell",
    "Choice",
    "Classifier",
    "Cohort",
    "Configuration",
    "DataError",
    "DataPlace",
    "Design",
    "DgsearchError",
    "Diagnostic",
    "Domain",
    "Ended",
    "FailureCheck",
    "Float",
    "Fusable",
    "HasClassifier",
    "HasSamples",
    "HasWarnings",
    "Int",
    "Memory",
    "Method",
    "MethodError",
    "Metric",
    "Modules",
    "Note",
    "Observed",
    "Phase",
    "PlannedTrial",
    "Problem",
    "Product",
    "Range",
    "Section",
    "Settings",
    "SingleDomain",
    "Space",
    "Split",
    "StackedNetwork",
    "StackedOptimiser",
    "Stage",
    "StageContext",
    "StageRun",
    "StudyView",
    "Table",
    "TrainingError",
    "Value",
    "Values",
    "Warn",
    "check_finite",
    "descend",
    "find_method",
    "in_range",
    "items_benchmark",
    "join",
    "load_study",
    "one_of",
    "plain_loss",
]

_HOMES = {
    "data.batches": ("Batch",),
    "data.benchmark": ("Benchmark", "DataPlace", "Domain"),
    "data.items": ("items_benchmark",),
    "data.splits": ("SOURCE_TRAIN", "Split"),
    "designs.base": ("Design",),
    "designs.fields": ("Range",),
    "designs.points": ("Asked", "Configuration", "Ended", "Phase", "PlannedTrial"),
    "designs.sampling": ("in_range",),
    "diagnostics": ("Along", "Diagnostic", "FailureCheck"),
    "errors": ("DataError", "DgsearchError", "MethodError", "Problem", "TrainingError", "one_of"),
    "methods.base": (
        "CannotFuse", "Cohort", "Fusable", "HasClassifier", "HasSamples", "HasWarnings", "Method",
        "Product", "Stage", "StageContext", "StageRun", "Values", "check_finite",
    ),
    "methods.networks": ("Classifier",),
    "methods.registry": ("find_method",),
    "methods.single_domain": (
        "BatchLoss", "BatchStep", "Memory", "Modules", "Observed", "Settings", "SingleDomain",
        "descend", "plain_loss",
    ),
    "methods.stacked": ("StackedNetwork", "StackedOptimiser"),
    "methods.supervised": ("COMMON", "PRETRAIN"),
    "report.parts": ("Cell", "Note", "Section", "Table", "Warn"),
    "report.view": ("StudyView",),
    "runner.commands": ("load_study",),
    "space": ("Choice", "Float", "Int", "Space", "Value", "join"),
    "study.metrics": ("Metric",),
}  # fmt: skip

_RENAMED = {"Classifying": "HasClassifier", "Noticing": "HasWarnings", "Sampling": "HasSamples"}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used."""
    from importlib import import_module

    if name in _RENAMED:
        _warn_of(name)
        name = _RENAMED[name]
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"dgsearch.{home}"), name)
    raise AttributeError(f"module 'dgsearch.plugin' has no attribute {name!r}")


def _warn_of(name: str) -> None:
    from dgsearch.deprecation import deprecated

    deprecated(
        f"dgsearch.plugin.{name}",
        since="0.3.0",
        removed="0.5.0",
        instead=_RENAMED[name],
        stacklevel=4,
    )


def __dir__() -> list[str]:
    return sorted(__all__)
