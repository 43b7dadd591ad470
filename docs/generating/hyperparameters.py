"""The reference of hyperparameters, from the declarations of the methods."""

from __future__ import annotations

from collections.abc import Iterator

from dgsearch.methods.base import Method
from dgsearch.methods.registry import installed_methods
from dgsearch.space import Choice, Hyperparameter
from docs.generating.markdown import code, plain, table

__all__ = ["hyperparameters_page"]

_HEAD = """# Hyperparameters

Keys of `[hyperparameters]` in a study file, and of `[design.vary]`, for each method.
`dgsearch methods NAME` prints the same table. The column "set by" says where the
default is from: the paper, the code that its authors released, or dgsearch.
"""


def hyperparameters_page() -> str:
    """The page, in Markdown: common hyperparameters once, then those of each method alone."""
    methods = installed_methods()
    return "\n".join([_HEAD, *_page(methods)])


def _page(methods: dict[str, Method]) -> Iterator[str]:
    common = [
        item
        for item in methods["erm"].space
        if all(item in tuple(method.space) for method in methods.values())
    ]
    yield "## Common to all methods { #common }\n"
    yield _rows(common, "common")
    for name, method in methods.items():
        yield f"## `{name}` {{ #{name} }}\n\n{plain(_sentence(method.summary))}\n"
        stages = method.stages(method.space.defaults())
        yield table(
            ["stage", "reads the hyperparameters", "trains on"],
            [
                [
                    code(item.name),
                    ", ".join(map(code, item.reads)),
                    ", ".join(map(code, item.splits)),
                ]
                for item in stages
            ],
        )
        own = [item for item in method.space if item not in common]
        if own:
            yield _rows(own, name)
        else:
            yield "It has the common hyperparameters alone.\n"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _rows(items: list[Hyperparameter], section: str) -> str:
    headings = ["key", "symbol", "default", "set by", "allowed values", "meaning"]
    return table(headings, [_row(item, section) for item in items])


def _row(item: Hyperparameter, section: str) -> list[str]:
    default = item.default if isinstance(item, Choice) else f"{item.default:g}"
    return [
        f"{code(item.name)}{{ #{section}.{item.name} }}",
        plain(item.symbol),
        code(str(default)),
        item.set_by,
        plain(item.allowed),
        plain(item.meaning),
    ]
