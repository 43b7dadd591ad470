"""Which stages of a study would record their steps as CUDA graphs: `graphs` of `[resources]`."""

from __future__ import annotations

from typing import NamedTuple

from dgsearch.study.plan import StudyPlan


class Recorded(NamedTuple):
    """Stages of a study by name.

    Attributes:
        recorded: Those that record steps.
        others: Those that cannot.
    """

    recorded: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def line(self) -> str:
        """As `dgsearch plan` prints it."""
        found = ", ".join(self.recorded) or "none"
        rest = f"; operation by operation: {', '.join(self.others)}" if self.others else ""
        return f"  graphs     recorded on a CUDA device: {found}{rest}"


def recorded_stages(plan: StudyPlan) -> Recorded | None:
    """What would be recorded; None where the study does not ask for it. Imports torch."""
    spec = plan.spec
    if spec.resources.graphs == "off":
        return None
    from dgsearch.methods.registry import find_method

    chains = [find_method(each.method).stages(each.values) for each in plan.configurations] or [
        find_method(spec.method).stages(plan.space.resolve(spec.hyperparameters))
    ]
    graphed = {stage.name: stage.graphed for chain in chains for stage in chain}
    return Recorded(
        tuple(name for name, on in graphed.items() if on),
        tuple(name for name, on in graphed.items() if not on),
    )
