"""Commands that look after what is kept: stored stages, and studies to delete or rename."""

from __future__ import annotations

from typing import Annotated

import typer

from dgsearch import inert
from dgsearch.arguments import Artifacts, Database, Json, say
from dgsearch.replies import in_json, reply

_stages = typer.Typer(help="List, verify and prune the stored stages.", no_args_is_help=True)


def add_upkeep(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(_stages, name="stages")
    app.command("delete")(_delete)
    app.command("rename")(_rename)


@_stages.command("list")
def _list_stages(artifacts: Artifacts = None, as_json: Json = False) -> None:
    """List the stored stages, least recently used first."""
    from dgsearch.runner import stages
    from dgsearch.runner.options import RunOptions

    folder = RunOptions(artifacts=artifacts).artifacts_folder
    reply(lambda: stages.listed_stages(folder), stages.list_stages(folder))


@_stages.command("verify")
def _verify_stages(artifacts: Artifacts = None, as_json: Json = False) -> None:
    """Verify the checksum of every stored stage; exit with 1 if one is damaged."""
    from dgsearch.runner import stages
    from dgsearch.runner.options import RunOptions

    lines, whole = stages.verify_stages(RunOptions(artifacts=artifacts).artifacts_folder)
    code = 0 if whole else 1
    reply({"whole": whole, "damaged": lines[:-1]}, lines, exit_code=code)
    raise typer.Exit(code)


@_stages.command("prune")
def _prune_stages(
    keep_gb: Annotated[
        float, typer.Option(min=0.0, metavar="GB", help="Target size of the stage cache, in GB.")
    ],
    artifacts: Artifacts = None,
    as_json: Json = False,
) -> None:
    """Delete the least recently used stages until the rest fits; stages in use are kept."""
    from dgsearch.runner import stages
    from dgsearch.runner.options import RunOptions

    folder = RunOptions(artifacts=artifacts).artifacts_folder
    lines = list(stages.prune_stages(folder, keep_gb=keep_gb))
    reply(lambda: {"remarks": lines, **stages.listed_stages(folder)}, lines)


def _delete(
    study: Annotated[str, typer.Argument(help="Name of the study.")],
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    database: Database = None,
    artifacts: Artifacts = None,
    as_json: Json = False,
) -> None:
    """Delete a study with its trials and checkpoints, after asking."""
    from dgsearch.runner.changes import Deletion
    from dgsearch.runner.options import RunOptions

    _check_yes(yes)
    deletion = Deletion(RunOptions(database=database, artifacts=artifacts), study)
    if not in_json():
        for line in deletion.lines():
            say(line)
    if not yes:
        typer.confirm("Delete all of it?", abort=True)
    answer, done = deletion.answer(), deletion.carry_out()
    reply(answer, [done])


def _rename(
    study: Annotated[str, typer.Argument(help="Name of the study.")],
    name: Annotated[str, typer.Argument(metavar="NEW", help="New name of the study.")],
    yes: Annotated[bool, typer.Option("--yes", help="Rename without asking.")] = False,
    database: Database = None,
    artifacts: Artifacts = None,
    as_json: Json = False,
) -> None:
    """Rename a study; trials, attributes, notes and checkpoints are kept."""
    from dgsearch.runner.changes import rename_study
    from dgsearch.runner.options import RunOptions

    _check_yes(yes)
    if not yes:
        typer.confirm(inert.text(f"Rename study {study!r} to {name!r}?"), abort=True)
    options = RunOptions(database=database, artifacts=artifacts)
    lines = list(rename_study(options, study, name))
    reply({"study": name, "former": study, "remarks": lines}, lines)


def _check_yes(yes: bool) -> None:
    """A program is asked nothing, so that it has to say it beforehand."""
    if in_json() and not yes:
        raise typer.BadParameter("--json asks no question; add --yes to do it")
