"""`folder`: any tree, lists, table or saved data set of images; the domains are what is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dgsearch.data.benchmark import DataPlace
from dgsearch.data.image_files import Entry
from dgsearch.data.items import ItemsBenchmark
from dgsearch.data.lists import find_lists, first_number
from dgsearch.data.recognition import find_base, find_domain_folders, image_folders
from dgsearch.data.saved_datasets import find_saved, saved_benchmark
from dgsearch.data.tables import entries_in_table, find_table
from dgsearch.data.trees import Layout, ListFile, TreeBenchmark, default_root
from dgsearch.errors import DataError

__all__ = ["folder_benchmark"]

_EXPECTED = (
    "<domain>/<class>/*.jpg or *.png, with the same classes in every domain;",
    "<domain>/train/<class>/ with val/ and test/; image_list/<domain>.txt or",
    "splits/<domain>_train.txt with lines of a path and a number; or a metadata.csv with columns",
    "for path, class and domain; or what save_to_disk of Hugging Face's datasets wrote",
)


def folder_benchmark(place: DataPlace) -> TreeBenchmark | ItemsBenchmark:
    """The benchmark in a folder; where there is none its domains are empty.

    Raises:
        DataError: If the folder holds something else than domains; says what was seen.
    """
    root = place.root or default_root("folder")
    if not root.is_dir():
        return TreeBenchmark(_layout({}), place)
    saved = find_saved(root)
    if saved:
        return saved_benchmark(saved, place)
    table = find_table(root)
    if table is not None:
        entries = entries_in_table(table)
        layout = _layout({name: (name,) for name in entries}, entries=entries)
        return TreeBenchmark(layout, place, base=root)
    base = find_base(root)
    for found in dict.fromkeys((root, base)):
        lists = find_lists(found, [folder.name for folder in image_folders(base)])
        if lists:
            return _listed(lists, place, base=base)
    names = find_domain_folders(base)
    if not names:
        raise DataError(_nothing(root))
    return TreeBenchmark(_layout({name: (name,) for name in names}), place, base=base)


def _listed(
    found: Mapping[str, Mapping[str, Path]], place: DataPlace, *, base: Path
) -> TreeBenchmark:
    """The benchmark of domains that lists name."""
    lists = {domain: _lists_of(parts) for domain, parts in found.items()}
    paths = [Path(item.file[0]) for items in lists.values() for item in items]
    layout = _layout(
        {name: (name,) for name in lists}, lists=lists, first_number=first_number(paths)
    )
    return TreeBenchmark(layout, place, base=base)


def _lists_of(parts: Mapping[str, Path]) -> tuple[ListFile, ...]:
    """The lists of a domain that together hold each of its images."""
    whole = parts.get("") or parts.get("all")
    if whole is not None:
        return (ListFile((str(whole),)),)
    return tuple(ListFile((str(path),), held_out=part == "test") for part, path in parts.items())


def _layout(
    folders: Mapping[str, tuple[str, ...]],
    *,
    lists: Mapping[str, tuple[ListFile, ...]] | None = None,
    first_number: int = 0,
    entries: Mapping[str, tuple[Entry, ...]] | None = None,
) -> Layout:
    return Layout(
        name="folder",
        summary="any folder of pictures, <root>/<domain>/<class>/*.jpg or *.png, or lists of them",
        image_size=224,
        folders=folders,
        expected=_EXPECTED,
        lists=lists or {},
        first_number=first_number,
        entries=entries or {},
    )


def _nothing(root: Path) -> str:
    """What a folder without images holds."""
    seen = sorted(path.name + "/" * path.is_dir() for path in root.iterdir())[:6]
    lines = "\n".join(f"  {line}" for line in _EXPECTED)
    return (
        f"folder: no image was found below {root}, which holds {', '.join(seen) or 'nothing'}; "
        f"expected there:\n{lines}"
    )
