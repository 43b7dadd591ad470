"""The command line: parse, call, print. Everything it does is a function of the package."""

from __future__ import annotations

import gc
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from dgsearch import inert
from dgsearch.answers import add_answers
from dgsearch.arguments import (
    Artifacts,
    Columns,
    Database,
    Direction,
    Figures,
    Metric,
    NewStudy,
    Objective,
    Overrides,
    Source,
    StudyFile,
    TimeZone,
    Tool,
    say,
)
from dgsearch.errors import DgsearchError, unexpected
from dgsearch.replaying import add_replay
from dgsearch.replies import answer_in_json
from dgsearch.upkeep import add_upkeep

__all__ = ["app", "main"]

app = typer.Typer(
    help="Hyperparameter studies for domain generalisation and knowledge distillation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

add_answers(app)
add_upkeep(app)
add_replay(app)

_GC_OBJECTS = 100_000  # imports and rows live on; looking at them ever again costs a second


def main() -> None:
    """Run the command line; a user's mistake is one readable block and exit code 2."""
    if logging.lastResort is not None:  # shows warnings where nobody has set up logging
        logging.lastResort.setFormatter(inert.InertFormatter())
    gc.set_threshold(_GC_OBJECTS, 20, 100)
    if "--json" in sys.argv:  # also where the rest cannot be understood
        sys.exit(answer_in_json(app))
    try:
        app()
    except DgsearchError as error:
        print(f"dgsearch: {inert.text(error)}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)  # the reader of a pipe has gone
    except Exception as error:  # noqa: BLE001 - a fault of ours: named, its traceback in a file
        print(f"dgsearch: {inert.text(unexpected(error))}", file=sys.stderr)
        sys.exit(2)


@app.callback(invoke_without_command=True)
def _common(version: Annotated[bool, typer.Option("--version", help="Say it.")] = False) -> None:
    if version:
        from dgsearch import __version__

        say(f"dgsearch {__version__}")
        raise typer.Exit


@app.command()
def run(  # noqa: PLR0913 - one argument for each option of the command
    study: StudyFile,
    database: Database = None,
    artifacts: Artifacts = None,
    address: Annotated[
        str | None, typer.Option(metavar="ADDR", help="Ray cluster to join, for example auto.")
    ] = None,
    no_share: Annotated[
        bool,
        typer.Option(
            "--no-share", help="Train every stage again in every trial instead of sharing stages."
        ),
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try failed trials once more.")
    ] = False,
    keep_stages_gb: Annotated[
        float | None,
        typer.Option(min=0.0, metavar="GB", help="Bound on the stored stages; oldest use first."),
    ] = None,
    accept_other_data: Annotated[
        bool,
        typer.Option(
            "--accept-other-data",
            help="Continue with other data; set aside the trials of the earlier data.",
        ),
    ] = False,
    overrides: Overrides = None,
) -> None:
    """Run a study, or what is left of it."""
    from dgsearch.runner.commands import run_file
    from dgsearch.runner.options import RunOptions

    options = RunOptions(
        database=database,
        artifacts=artifacts,
        address=address,
        share=not no_share,
        keep_stages_gb=keep_stages_gb,
        retry_failed=retry_failed,
        accept_other_data=accept_other_data,
    )
    outcome = run_file(study, options, overrides=overrides or ())
    for line in outcome.lines():
        say(line)
    raise typer.Exit(outcome.exit_code)


@app.command()
def plan(  # noqa: PLR0913 - one argument for each option of the command
    study: StudyFile,
    database: Database = None,
    artifacts: Artifacts = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Time a few batches and say what it would cost.")
    ] = False,
    difference: Annotated[
        float,
        typer.Option(
            min=0.01, max=100, metavar="POINTS", help="Difference that seeds shall find."
        ),
    ] = 1.0,
    pilot: Annotated[
        str | None,
        typer.Option(
            metavar="STUDY",
            help="Study in the database whose deviation over seeds is taken (default: this one).",
            show_default=False,
        ),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Say what a study would run, what of it is done and shared, its time and its power."""
    from dgsearch.report.outlook import power_lines, time_lines
    from dgsearch.runner.commands import plan_file
    from dgsearch.runner.options import RunOptions

    options = RunOptions(database=database, artifacts=artifacts)
    plan = plan_file(study, options, overrides=overrides or (), probe=probe)
    lines = list(plan.lines)
    lines += power_lines(
        database, plan.spec, points=difference, pilot=pilot, comparisons=plan.comparisons
    )
    if not probe:
        lines += time_lines(
            database, plan.spec, epochs=plan.epochs, missing=plan.missing, at_once=plan.at_once
        )
    say("\n".join(lines))


@app.command()
def status(
    study: Annotated[str | None, typer.Argument(help="Only this study.")] = None,
    database: Database = None,
    time_zone: TimeZone = None,  # chosen as it is parsed
) -> None:
    """Show the studies of a database: trials per state, the best so far, age."""
    from dgsearch.report.terminal import status_table

    _print_table(status_table(database, study))


@app.command()
def report(
    studies: Annotated[list[str], typer.Argument(metavar="STUDY...", help="Names of studies.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.html",
            help="Where to write (default: reports/STUDY.html)",
            show_default=False,
        ),
    ] = None,
    figures: Figures = None,
    objective: Objective = None,
    database: Database = None,
    time_zone: TimeZone = None,  # chosen as it is parsed
) -> None:
    """Write the page of one or several studies: one HTML file that opens anywhere, offline."""
    from dgsearch.report import write_report
    from dgsearch.report.files import safe_name

    target = output or Path("reports") / f"{safe_name('+'.join(studies))}.html"
    page = write_report(database, studies, target, figures=figures, objective=objective)
    say(f"wrote {page}")
    if figures is not None:
        say(f"wrote figures to {figures}")


@app.command()
def questions(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE.html", help="Where to write.")
    ] = Path("reports/open_questions.html"),
    figures: Figures = None,
    database: Database = None,
    time_zone: TimeZone = None,  # chosen as it is parsed
) -> None:
    """Write the page of the papers' open questions, answered from the studies of a database."""
    from dgsearch.report import write_questions

    say(f"wrote {write_questions(database, output, figures=figures)}")
    if figures is not None:
        say(f"wrote figures to {figures}")


@app.command()
def export(
    study: Annotated[str, typer.Argument(help="Name of the study.")],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FILE", help="A .parquet, .csv, .tex or .md file."),
    ],
    what: Annotated[
        str,
        typer.Option(
            "--what",
            help="trials, curves, scores, predictions (one row an image), studies or summary "
            "(mean and interval over seeds); several with commas.",
        ),
    ] = "trials",
    csv_formulas: Annotated[
        bool,
        typer.Option(
            "--csv-formulas",
            help="Write CSV cells unchanged, including those that a spreadsheet would execute "
            "(by default an apostrophe precedes =, +, -, @).",
        ),
    ] = False,
    database: Database = None,
    time_zone: TimeZone = None,  # chosen as it is parsed
) -> None:
    """Write frames of a study to files; several frames become FILE-trials, FILE-curves, ..."""
    from dgsearch.notebook.export import export_frames

    files = export_frames(database, study, output, what.split(","), formulas=csv_formulas)
    for file in files:
        say(f"wrote {file}")


@app.command("import")
def import_sweep(  # noqa: PLR0913 - one argument for each option of the command
    source: Source,
    tool: Tool = None,
    study: NewStudy = None,
    metric: Metric = None,
    direction: Direction = None,
    column: Columns = None,
    database: Database = None,
) -> None:
    """Import another tool's sweep: DomainBed, Ray Tune, Syne Tune, MLflow, W&B, any table."""
    from dgsearch.importing.command import ImportRequest, import_lines

    request = ImportRequest(source, tool, study, metric, direction, column or ())
    for line in import_lines(database, request):
        print(line)


@app.command()
def data(
    benchmark: Annotated[str | None, typer.Argument(help="Only this benchmark.")] = None,
    root: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder of the data.", show_default=False)
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option(
            min=8, metavar="PIXELS", help="Size to decode the images to.", show_default=False
        ),
    ] = None,
) -> None:
    """Show the benchmarks: what is needed where, what was found, counts per domain and class.

    The images of a single benchmark are decoded, and kept for training at that size.
    """
    from dgsearch.data.inventory import inventory_lines

    for line in inventory_lines(benchmark, root, image_size=image_size):
        say(line)


@app.command()
def studies(
    copy: Annotated[
        str | None,
        typer.Option(
            "--copy", metavar="NAME", help="Write a shipped study into the current folder."
        ),
    ] = None,
) -> None:
    """List the studies that come with dgsearch; `dgsearch run NAME` runs one."""
    from dgsearch.study.shipped import copy_shipped, shipped_lines

    if copy is not None:
        say(f"wrote {copy_shipped(copy, Path())}")
        return
    for line in shipped_lines():
        say(line)


@app.command()
def networks(
    wanted: Annotated[
        str | None,
        typer.Argument(
            metavar="FILTER", help="Part of a name, timm/NAME, or package.module:function."
        ),
    ] = None,
) -> None:
    """List the networks; with a filter also their features, sizes and batch norms."""
    from dgsearch.methods.network_listing import network_lines

    for line in network_lines(wanted):
        print(line)


@app.command()
def methods(
    name: Annotated[str | None, typer.Argument(help="Only this method, in full.")] = None,
    new: Annotated[
        str | None,
        typer.Option(
            "--new",
            metavar="NAME",
            help="Write a package with a method of your own into ./NAME.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show the methods: stages, and hyperparameters with default, range, symbol, meaning."""
    from dgsearch.methods.listing import method_table, methods_table
    from dgsearch.methods.starting import start_package

    if new is not None:
        if name is not None:
            raise typer.BadParameter(f"write either {name} or --new {new}, not both")
        for line in start_package(new, Path()):
            say(line)
        return
    _print_table(methods_table() if name is None else method_table(name))


def _print_table(table: object) -> None:
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 200).print(table)
