"""What `dgsearch plan` says of the study that a search is started from, as a run would find it."""

from __future__ import annotations

from typing import NamedTuple

from dgsearch.database.connection import database_url, open_if_there
from dgsearch.database.masking import masked
from dgsearch.errors import SamplerError
from dgsearch.runner.options import RunOptions
from dgsearch.study.plan import StudyPlan
from dgsearch.wording import plural


class WarmStart(NamedTuple):
    """A study whose finished trials inform a search.

    Attributes:
        study: Its name.
        trials: How many of them.
    """

    study: str
    trials: int

    @property
    def line(self) -> str:
        """Of `dgsearch plan`."""
        verb = "informs" if self.trials == 1 else "inform"
        shown = plural(self.trials, "finished trial")
        return f"  warm start {shown} of {self.study!r} {verb} the sampler"


def warm_start(plan: StudyPlan, options: RunOptions) -> WarmStart | None:
    """The study that `design.warm_start` names; None where it names none.

    Raises:
        SamplerError: If a run would refuse it; the text says why.
        DatabaseError: If the database cannot be read.
    """
    spec = plan.spec
    name = spec.design.learns_from
    if not name:
        return None
    engine = open_if_there(options.database)
    if engine is None:
        raise SamplerError(
            f"design.warm_start = {name!r}: there is no database yet at "
            f"{masked(database_url(options.database))}; run that study first, or name its "
            "--database"
        )
    from dgsearch.runner.distributions import proposal_distributions  # imports Optuna
    from dgsearch.runner.warm_start import informing_trials

    distributions = proposal_distributions(spec.design, plan.space)
    return WarmStart(name, len(informing_trials(engine, spec, plan.space, distributions)))
