"""Commands that list what there is: benchmarks, shipped studies, networks, methods."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dgsearch.arguments import Json, print_table
from dgsearch.replies import in_json, reply


def add_listings(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("data")(_data)
    app.command("studies")(_studies)
    app.command("networks")(_networks)
    app.command("methods")(_methods)


def _data(
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
    as_json: Json = False,
) -> None:
    """Show the benchmarks: what is needed where, what was found, counts per domain and class.

    The images of a single benchmark are decoded, and kept for training at that size.
    """
    from dgsearch.data.inventory import inventory, inventory_lines

    reply(
        lambda: inventory(benchmark, root, image_size=image_size),
        inventory_lines(benchmark, root, image_size=image_size),
    )


def _studies(
    copy: Annotated[
        str | None,
        typer.Option(
            "--copy", metavar="NAME", help="Write a shipped study into the current folder."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the studies that come with dgsearch; `dgsearch run NAME` runs one."""
    from dgsearch.study.shipped import copy_shipped, listed_shipped, shipped_lines

    if copy is not None:
        file = copy_shipped(copy, Path())
        reply({"written": file}, [f"wrote {file}"])
        return
    reply(listed_shipped, shipped_lines())


def _networks(
    wanted: Annotated[
        str | None,
        typer.Argument(
            metavar="FILTER", help="Part of a name, timm/NAME, or package.module:function."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the networks; with a filter also their features, sizes and batch norms."""
    from dgsearch.methods.listing import listed_networks, network_lines

    reply(lambda: listed_networks(wanted), network_lines(wanted))


def _methods(
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
    as_json: Json = False,
) -> None:
    """Show the methods: stages, and hyperparameters with default, range, symbol, meaning."""
    from dgsearch.methods import listing
    from dgsearch.methods.starting import start_package

    if new is not None:
        if name is not None:
            raise typer.BadParameter(f"write either {name} or --new {new}, not both")
        reply({"written": new}, list(start_package(new, Path())))
    elif in_json():
        reply(listing.listed_methods() if name is None else listing.described_method(name), ())
    else:
        print_table(listing.methods_table() if name is None else listing.method_table(name))
