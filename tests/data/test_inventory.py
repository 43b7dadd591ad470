from __future__ import annotations

import re
from pathlib import Path

import pytest

from dgsearch.data.inventory import inventory_lines
from dgsearch.data.registry import benchmark_names
from dgsearch.errors import DataError
from tests.data.made import make_digits, make_domainnet, make_tree


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGSEARCH_CACHE", str(tmp_path / "cache"))


def _shown(name: str, root: Path) -> str:
    return "\n".join(inventory_lines(name, str(root), image_size=8))


def test_without_a_name_every_benchmark_is_listed() -> None:
    text = "\n".join(inventory_lines(None, None))
    assert benchmark_names() == (
        "digits",
        "digits-dg",
        "digits-mini",
        "domainnet",
        "folder",
        "mini-domainnet",
        "office31",
        "officehome",
        "pacs",
        "terra-incognita",
        "visda2017",
        "vlcs",
    )
    assert all(f"{name}: " in text for name in benchmark_names())


def test_it_counts_the_images_of_each_domain_and_class(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "d", ["day"], ["car", "tree"], each=3)
    make_tree(root, ["night"], ["car", "tree"], each=2)
    text = _shown("folder", root)
    assert re.search(r"day +6 +- +3 to 3 +[0-9a-f]{16}\n", text)
    assert re.search(r"class +day +night\n", text)
    assert re.search(r"car +3 +2\n", text)


def test_it_names_unreadable_images_and_classes_without_images(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "d", ["day"], ["car", "tree"])
    make_tree(root, ["night"], ["tree"])
    (root / "day" / "car" / "pic_001.jpg").write_bytes(b"\xff\xd8\xff")
    text = _shown("folder", root)
    assert "night: no image of car (1 of 2 classes)" in text
    assert re.search(r"day: cannot be read and is left out: day/car/pic_001\.jpg \(.+\)", text)


def test_it_compares_with_the_published_numbers(tmp_path: Path) -> None:
    text = _shown("digits", make_digits(tmp_path / "d"))
    assert "usps: 6 images where 2007 are published; some are missing" in text
    assert "mnist_m: 6 images where 9001 or 10000 are published" in text


def test_it_says_what_is_missing_and_shows_the_rest(tmp_path: Path) -> None:
    root = make_domainnet(tmp_path / "d", ["real"])
    text = _shown("domainnet", root)
    assert "real: 9 images for training and 3 for testing, by its official lists" in text
    assert re.search(r"sketch +- +domain 'sketch' is missing", text)


def test_a_broken_domain_does_not_hide_the_others(tmp_path: Path) -> None:
    root = make_digits(tmp_path / "d")
    (root / "SVHN" / "test_32x32.mat").write_bytes(b"broken")
    text = _shown("digits", root)
    assert re.search(r"svhn +- +.*test_32x32\.mat: not a whole MATLAB file", text)
    assert re.search(r"usps +6", text)


def test_nothing_at_all_is_an_error_after_what_is_expected(tmp_path: Path) -> None:
    shown = inventory_lines("pacs", str(tmp_path))
    assert "arXiv:1710.03077" in next(shown)
    assert "expected in" in next(shown)
    with pytest.raises(DataError, match="pacs: no domain can be used; looked in"):
        list(shown)
