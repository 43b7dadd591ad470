"""`[metrics]` of a study file: what is measured besides accuracy, and which of it selects.

A metric is known here by its name, its words and its direction; `dgsearch.trainable.measuring`
computes it. Other packages add metrics through the entry-point group `dgsearch.metrics`: the
entry point's name is the metric's, and names a `Metric`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from dgsearch.errors import Problem, one_of
from dgsearch.plugins import leave_out, load_plugins

ENTRY_POINTS = "dgsearch.metrics"
ACCURACY = "accuracy"
_TOP = re.compile(r"accuracy_top([1-9][0-9]{0,3})")
_RESERVED = ("loss", "epoch_s")  # measured always

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Metric:
    """A number that tells how good a classifier is on a split.

    Attributes:
        label: In words, as pages write it.
        higher_is_better: Its direction.
        share: Whether it lies in 0..1 and is written in per cent.
        unit: What other numbers are counted in, such as "nats"; empty for none.
        make: From the number of classes to a `torchmetrics.Metric` that is updated with logits
            (B, K) and labels (B,); None: one of this package.
    """

    label: str
    higher_is_better: bool
    share: bool = False
    unit: str = ""
    make: Callable[[int], Any] | None = None


_OWN: Mapping[str, Metric] = {
    ACCURACY: Metric("accuracy", True, share=True),
    "macro_accuracy": Metric("macro accuracy", True, share=True),
    "worst_class_accuracy": Metric("worst-class accuracy", True, share=True),
    "macro_f1": Metric("macro F1", True, share=True),
    "calibration_error": Metric("calibration error", False, share=True),
    "nll": Metric("negative log-likelihood", False, unit="nats"),
}


class MetricsSpec(BaseModel, frozen=True, extra="forbid"):
    """What is measured after each epoch of the last stage, and by what epochs are chosen."""

    record: Annotated[tuple[str, ...], Field(min_length=1)] = (ACCURACY,)  # names of metrics
    select: str = ACCURACY  # chooses epochs, configurations and halving's survivors
    direction: Direction | None = None  # None: the metric's own

    @property
    def recorded(self) -> tuple[str, ...]:
        """Every metric that is measured: accuracy, those of `record`, the one that selects."""
        return tuple(dict.fromkeys((ACCURACY, *self.record, self.select)))


@lru_cache(maxsize=1)
def _plugins() -> dict[str, Metric]:
    """Metrics of other packages by name; one that cannot be used is named in a warning."""
    found: dict[str, Metric] = {}
    for plugin in load_plugins(ENTRY_POINTS, _as_metric):
        if plugin.name in _OWN or _TOP.fullmatch(plugin.name) or plugin.name in found:
            leave_out(plugin, "there is a metric of that name already; give it another name")
            continue
        found[plugin.name] = plugin.made
    return found


def _as_metric(name: str, offered: Any) -> Metric:
    """What an entry point names, as a metric.

    Raises:
        ValueError: If it is none, or nothing is measured by it.
    """
    if name in _RESERVED or "/" in name:
        raise ValueError(f"name {name!r} is taken or has a slash; give it another name")
    if not isinstance(offered, Metric) or not callable(offered.make):
        raise ValueError("is no dgsearch.study.metrics.Metric with a callable `make`")
    return offered


def metric_names() -> tuple[str, ...]:
    """Names that a study file may use; `accuracy_top5` stands for every accuracy_top<k>."""
    return (*_OWN, "accuracy_top5", *_plugins())


def find_metric(name: str) -> Metric | None:
    """A metric by its name; None where there is none of that name."""
    top = _TOP.fullmatch(name)
    if top:
        return Metric(f"top-{top[1]} accuracy", True, share=True)
    return _OWN.get(name) or _plugins().get(name)


def metric_facts(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What a page must know of each metric, as plain data: it may lack the plug-in."""
    found = {name: find_metric(name) for name in names}
    return {
        name: {
            "label": metric.label,
            "higher_is_better": metric.higher_is_better,
            "share": metric.share,
            "unit": metric.unit,
        }
        for name, metric in found.items()
        if metric is not None
    }


def check_metrics(spec: MetricsSpec, *, accuracy_only: str = "") -> Iterator[Problem]:
    """Problems of `[metrics]`: unknown names, a direction that is not the metric's.

    `accuracy_only` is the kind of a design that decides by accuracy; empty for any other.
    """
    places = [(f"metrics.record[{place}]", name) for place, name in enumerate(spec.record)]
    for key, name in (*places, ("metrics.select", spec.select)):
        if find_metric(name) is None:
            yield Problem(key, repr(name), f"unknown metric; {one_of(name, metric_names())}")
    if accuracy_only and spec.select != ACCURACY:
        message = f"the design {accuracy_only} decides by accuracy; choose another design"
        yield Problem("metrics.select", repr(spec.select), message)
    metric = find_metric(spec.select)
    if metric is None or spec.direction is None:
        return
    own = "maximize" if metric.higher_is_better else "minimize"
    if spec.direction != own:
        message = f"of {metric.label} {_side(metric)} is better; write {own!r}, or leave it out"
        yield Problem("metrics.direction", repr(spec.direction), message)


def _side(metric: Metric) -> str:
    return "higher" if metric.higher_is_better else "lower"
