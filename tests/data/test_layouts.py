"""Trees, lists and tables as they lie on disks, made small, with their counts and labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from dgsearch.data.benchmark import Benchmark
from dgsearch.data.inventory import inventory_lines
from dgsearch.data.registry import find_benchmark
from dgsearch.errors import DataError
from tests.data.made import make_domainnet, make_tree, picture

HOME = ("Alarm_Clock", "Bed", "Bike")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGSEARCH_CACHE", str(tmp_path / "cache"))


def _find(name: str, root: Path) -> Benchmark:
    return find_benchmark(name, root, image_size=8)


def _shown(name: str, root: Path) -> str:
    return "\n".join(inventory_lines(name, str(root), image_size=8))


def _labels(found: Benchmark, domain: str) -> list[str]:
    return [found.labels[number] for number in found.load(domain).labels.tolist()]


def _write(file: Path, lines: Sequence[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_parts_of_a_division_are_no_classes(tmp_path: Path) -> None:
    root = tmp_path / "d"
    for part in ("train", "val"):
        make_tree(root, [f"art/{part}", f"clipart/{part}"], ["cow", "dog"], each=1)
    folder = _find("folder", root)
    assert (folder.domains, folder.labels) == (("art", "clipart"), ("cow", "dog"))
    assert _labels(folder, "art") == ["cow", "dog", "cow", "dog"]
    assert folder.load("art").held_out is None
    assert "train/, val/ of art: parts of the domain, not classes; joined" in _shown(
        "folder", root
    )


def test_a_test_part_is_never_trained_on(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        make_tree(tmp_path / "d", [f"art/{part}"], ["cow", "dog"], each=1)
    art = _find("folder", tmp_path / "d").load("art")
    assert (len(art), len(art.trained_on), len(art.tested_on)) == (6, 4, 2)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "d", ["photo", "sketch"], ["bus", "train"], each=1)
    assert _find("folder", root).labels == ("bus", "train")


def test_a_tree_that_begins_with_parts_is_asked_about(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "d", ["train", "val", "test"], ["cow", "dog"], each=1)
    with pytest.raises(
        DataError, match=r"begins with test/, train/, val/, .* put the domain first"
    ):
        _shown("folder", root)


def test_parts_without_classes_are_named(tmp_path: Path) -> None:
    for part in ("train", "val"):
        picture(tmp_path / "d" / "art" / part / "0.jpg")
    with pytest.raises(DataError, match=r"train/, val/ is a part .* without class folders"):
        _shown("folder", tmp_path / "d")


def test_classes_without_a_domain_are_named(tmp_path: Path) -> None:
    root = make_tree(tmp_path, ["d"], ["cow", "dog"]) / "d"
    with pytest.raises(DataError, match=r"cow/, dog/ and no folders below: .* of one domain"):
        _shown("folder", root)


def test_a_folder_without_images_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "d" / "archive").mkdir(parents=True)
    (tmp_path / "d" / "pacs.zip").write_bytes(b"")
    with pytest.raises(DataError, match=r"no image was found .* archive/, pacs\.zip"):
        _shown("folder", tmp_path / "d")


def test_a_domain_within_a_folder_of_its_name_keeps_its_classes(tmp_path: Path) -> None:
    for domain in ("Art", "Clipart"):
        make_tree(tmp_path / "d" / domain, [domain], HOME, each=1)
    folder = _find("folder", tmp_path / "d")
    assert (folder.domains, folder.labels) == (("Art", "Clipart"), HOME)
    assert "classes of Art are read from Art/Art" in _shown("folder", tmp_path / "d")


def test_domains_in_a_single_folder_are_found(tmp_path: Path) -> None:
    root = tmp_path / "d"
    make_tree(root / "images", ["day", "night"], ["car", "tree"], each=1)
    (root / "splits").mkdir()
    folder = _find("folder", root)
    assert (folder.domains, folder.labels) == (("day", "night"), ("car", "tree"))


def test_names_that_differ_by_case_or_underscore_are_one_class(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "d", ["day"], ["Alarm_Clock", "bed"], each=1)
    make_tree(root, ["night"], ["alarm clock", "Bed"], each=1)
    folder = _find("folder", root)
    assert folder.labels == ("Alarm_Clock", "bed")
    assert _labels(folder, "night") == ["bed", "Alarm_Clock"]
    assert "class 'alarm clock' of night is read as 'Alarm_Clock'" in _shown("folder", root)


def test_two_folders_of_one_domain_are_two_classes(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "d", ["day", "night"], ["n01", "n_01"], each=1)
    assert _find("folder", root).labels == ("n01", "n_01")


def test_every_ending_and_nested_folders_are_read(tmp_path: Path) -> None:
    root = tmp_path / "d"
    for end in ("JPG", "Png", "webp", "gif", "TIFF"):
        picture(root / "day" / "car" / f"a.{end}")
    picture(root / "day" / "car" / "red" / "sports" / "b.jpeg")
    picture(root / "day" / "car" / ".ipynb_checkpoints" / "c.jpg")
    picture(root / "day" / "tree" / "d.jpg")
    folder = _find("folder", root)
    assert _labels(folder, "day") == ["car"] * 6 + ["tree"]


def test_stray_folders_and_files_are_no_data_and_said(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "d", ["day", "night"], ["car"], each=1)
    (root / "logs").mkdir()
    (root / "day" / "raw").mkdir()
    picture(root / "night" / "cover.jpg")
    text = _shown("folder", root)
    assert _find("folder", root).labels == ("car",)
    assert "logs/: no domain, because no image is in it" in text
    assert "raw/ of day: no image in this folder" in text
    assert "night holds images outside any class folder; they are passed over" in text


def _kfold(root: Path, lists: Path, *, skip: Sequence[str] = ()) -> None:
    labels = ("dog", "elephant", "giraffe", "guitar", "horse", "house", "person")
    make_tree(root, ["photo"], labels, each=2)
    first = [f"photo/{name}/pic_000.jpg {number}" for number, name in enumerate(labels, 1)]
    second = [f"photo/{name}/pic_001.jpg {number}" for number, name in enumerate(labels, 1)]
    parts = {"train": first, "crossval": second, "test": first + second}
    for part, lines in parts.items():
        if part not in skip:
            _write(lists / f"photo_{part}_kfold.txt", lines)


@pytest.mark.parametrize(
    ("images", "lists"), [("images", "splits"), ("PACS/kfold", "PACS/kfold"), ("", "")]
)
def test_pacs_by_its_lists_counts_from_one(tmp_path: Path, images: str, lists: str) -> None:
    _kfold(tmp_path / "d" / images, tmp_path / "d" / lists)
    pacs = _find("pacs", tmp_path / "d")
    assert pacs.load("photo").labels.tolist() == [*range(7), *range(7)]
    assert pacs.load("photo").held_out is None  # the test list repeats the others
    assert "photo: read by photo_train_kfold.txt" in _shown("pacs", tmp_path / "d")


def test_the_wrong_line_of_pacs_is_left_out(tmp_path: Path) -> None:
    wrong = "sketch/dog/n02103406_4068-1.png"
    picture(tmp_path / "d" / wrong)
    picture(tmp_path / "d" / "sketch" / "person" / "1.png")
    for part in ("train", "crossval", "test"):
        lines = [f"{wrong} 1", "sketch/person/1.png 7"]
        _write(tmp_path / "d" / f"sketch_{part}_kfold.txt", lines)
    assert _labels(_find("pacs", tmp_path / "d"), "sketch") == ["person"]


def test_lists_without_their_partner_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = make_domainnet(tmp_path / "d", ["real"])
    (root / "real_test.txt").unlink()
    assert len(_find("domainnet", root).load("real")) == 12
    said = "real: real_train.txt is not used, because real_test.txt is missing"
    assert said in caplog.text
    assert said in _shown("domainnet", root)


@pytest.mark.parametrize("place", ["image_list", "splits", "txt"])
def test_lists_of_domainnet_are_used_wherever_they_lie(tmp_path: Path, place: str) -> None:
    root = make_domainnet(tmp_path / "d", ["real", "sketch"])
    (root / place).mkdir()
    for file in root.glob("*.txt"):
        file.rename(root / place / file.name)
    for name in ("domainnet", "folder"):
        real = _find(name, root).load("real")
        assert (len(real.trained_on), len(real.tested_on)) == (9, 3)
        assert _find(name, root).labels == ("aircraft_carrier", "zebra", "alarm_clock")


def _image_list(root: Path, domains: Mapping[str, str], *, first: int = 0) -> Path:
    for folder, name in domains.items():
        make_tree(root, [folder], HOME, each=1)
        lines = [f"{folder}/{label}/pic_000.jpg {n}" for n, label in enumerate(HOME, first)]
        _write(root / "image_list" / f"{name}.txt", lines)
    return root


def test_image_lists_of_tllib_are_used(tmp_path: Path) -> None:
    root = _image_list(tmp_path / "d", {"Art": "Art", "Real World": "Real_World"})
    home = _find("officehome", root)
    assert _labels(home, "real_world") == list(HOME)
    folder = _find("folder", root)
    assert folder.domains == ("Art", "Real World")
    assert "Art: read by Art.txt" in _shown("folder", root)


def test_lists_of_a_folder_may_count_from_one(tmp_path: Path) -> None:
    root = _image_list(tmp_path / "d", {"day": "day", "night": "night"}, first=1)
    assert _find("folder", root).labels == HOME


def test_a_table_of_wilds_names_domains_classes_and_parts(tmp_path: Path) -> None:
    root = tmp_path / "d"
    rows = [
        ("a.jpg", "7", "10", "train"),
        ("b.jpg", "2", "10", "id_test"),
        ("c.jpg", "7", "9", "test"),
    ]
    for name, *_ in rows:
        picture(root / "train" / name)
    _write(root / "metadata.csv", ["filename,y,location_remapped,split", *map(",".join, rows)])
    folder = _find("folder", root)
    assert (folder.domains, folder.labels) == (("9", "10"), ("2", "7"))
    assert folder.load("10").tested_on.tolist() == [1]
    assert _labels(folder, "9") == ["7"]
    assert folder.load("9").held_out is None  # a domain that is only for testing


def test_the_table_of_camelyon17_says_where_its_patches_lie(tmp_path: Path) -> None:
    slide = "patient_004_node_4"
    picture(tmp_path / "d" / "patches" / slide / f"patch_{slide}_x_3_y_5.png")
    _write(
        tmp_path / "d" / "metadata.csv",
        [",patient,node,x_coord,y_coord,tumor,slide,center,split", "0,004,4,3,5,1,0,2,0"],
    )
    assert _labels(_find("folder", tmp_path / "d"), "2") == ["1"]


def test_a_table_without_domains_is_named(tmp_path: Path) -> None:
    _write(tmp_path / "d" / "metadata.csv", ["filename,y", "a.jpg,1"])
    with pytest.raises(DataError, match=r"no column names the domain .* filename, y, looked for"):
        _find("folder", tmp_path / "d")


@pytest.mark.parametrize("inside", ["", "digits_dg"])
def test_digits_dg_joins_its_parts(tmp_path: Path, inside: str) -> None:
    for part in ("train", "val"):
        make_tree(tmp_path / "d" / inside, [f"syn/{part}"], [str(n) for n in range(10)], each=1)
    digits = _find("digits-dg", tmp_path / "d")
    assert digits.load("syn").labels.tolist() == [*range(10), *range(10)]


def test_vlcs_is_read_as_domainbed_and_as_dassl_have_it(tmp_path: Path) -> None:
    make_tree(tmp_path / "one" / "VLCS", ["Caltech101"], ["bird", "person"], each=1)
    for part in ("train", "crossval", "test", "full"):
        make_tree(tmp_path / "two", [f"CALTECH/{part}"], ["0", "4"], each=1)
    assert _labels(_find("vlcs", tmp_path / "one"), "caltech101") == ["bird", "person"]
    other = _find("vlcs", tmp_path / "two")
    assert _labels(other, "caltech101") == ["bird", "person"] * 3
    assert other.load("caltech101").tested_on.tolist() == [2, 3]  # crossval, test, train


def test_terra_incognita_knows_its_ten_classes(tmp_path: Path) -> None:
    make_tree(tmp_path / "d" / "terra_incognita", ["location_100"], ["coyote", "empty"], each=1)
    terra = _find("terra-incognita", tmp_path / "d")
    assert _labels(terra, "location_100") == ["coyote", "empty"]
    assert len(terra.labels) == 10


def test_mini_domainnet_is_said_by_its_lists(tmp_path: Path) -> None:
    root = make_domainnet(tmp_path / "d", ["real", "sketch"])
    (root / "splits_mini").mkdir()
    for part in ("train", "test"):
        lines = (root / f"real_{part}.txt").read_text(encoding="utf-8").splitlines()
        kept = [line.replace(" 2", " 1") for line in lines if "zebra" not in line]
        _write(root / "splits_mini" / f"real_{part}.txt", kept)
    mini = _find("mini-domainnet", root)
    assert mini.labels == ("aircraft_carrier", "alarm_clock")
    assert len(mini.load("real").tested_on) == 2
    with pytest.raises(DataError, match=r"'sketch' is missing: splits_mini/sketch_train\.txt"):
        mini.load("sketch")


def test_officehome_in_lower_case_is_found(tmp_path: Path) -> None:
    for part in ("train", "val"):
        make_tree(tmp_path / "d" / "office_home_dg", [f"real_world/{part}"], HOME, each=1)
    assert _labels(_find("officehome", tmp_path / "d"), "real_world") == [*HOME, *HOME]
