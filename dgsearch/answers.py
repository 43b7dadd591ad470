"""Commands that answer a question about a study: which is best, is B better, what is decided?"""

from __future__ import annotations

from typing import Annotated

import typer

from dgsearch.arguments import Database, Json, Rope
from dgsearch.replies import reply

_Study = Annotated[str, typer.Argument(help="Name of the study.")]
_Configuration = Annotated[
    str,
    typer.Argument(
        help="A config_id, best, reference, 'trial N', a name, or settings such as lr=0.001,T=10.",
        show_default=False,
    ),
]


def add_answers(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("best")(_best)
    app.command("compare")(_compare)
    app.command("decisions")(_decisions)


def _best(
    study: _Study,
    rule: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="validation, augmented or oracle (uses the targets); default: the study's.",
        ),
    ] = None,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Show the best configuration and those that do not differ significantly from it."""
    from dgsearch.report.answer_lines import best_lines
    from dgsearch.report.answers import answer_view, best_answer

    view = answer_view(database, study, rule=rule)
    answer = best_answer(view, rule=rule)
    reply(answer, best_lines(view, answer))


def _compare(  # noqa: PLR0913 - each is an option of the command
    study: _Study,
    a: _Configuration,
    b: _Configuration,
    rule: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="Choose each trial's epoch by validation or augmented; default: the study's.",
        ),
    ] = None,
    rope: Rope = None,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Compare configuration B with configuration A, paired over seeds."""
    from dgsearch.report.answer_lines import compare_lines
    from dgsearch.report.answers import answer_view, compare_answer

    view = answer_view(database, study, rule=rule, rope=rope)
    answer = compare_answer(view, a, b, rule=rule)
    reply(answer, compare_lines(view, answer))


def _decisions(
    study: _Study, rope: Rope = None, database: Database = None, as_json: Json = False
) -> None:
    """Show the decision about each configuration against the study's reference."""
    from dgsearch.report.answer_lines import decision_lines
    from dgsearch.report.answers import answer_view, decisions_answer

    view = answer_view(database, study, rope=rope)
    answer = decisions_answer(view)
    reply(answer, decision_lines(view, answer))
