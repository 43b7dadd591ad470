from __future__ import annotations

from pathlib import Path

import pytest

from dgsearch.data.benchmark import Benchmark
from dgsearch.data.registry import find_benchmark
from dgsearch.errors import DataError
from tests.data.made import make_domainnet, make_tree, make_visda, picture

PACS_LABELS = ["dog", "elephant", "giraffe", "guitar", "horse", "house", "person"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGSEARCH_CACHE", str(tmp_path / "cache"))


def _find(name: str, root: Path, size: int = 8) -> Benchmark:
    return find_benchmark(name, root, image_size=size)


@pytest.mark.parametrize("inside", ["", "PACS", "kfold"])
def test_pacs_is_found_where_its_archives_put_it(tmp_path: Path, inside: str) -> None:
    domains = ["art_painting", "cartoon", "photo", "sketch"]
    make_tree(tmp_path / "d" / inside, domains, PACS_LABELS, each=1)
    pacs = _find("pacs", tmp_path / "d")
    assert list(pacs.labels) == PACS_LABELS
    assert [len(pacs.load(domain)) for domain in pacs.domains] == [7, 7, 7, 7]
    assert pacs.load("sketch").labels.tolist() == list(range(7))


def test_pacs_is_loaded_at_224_pixels_unless_said_otherwise(tmp_path: Path) -> None:
    make_tree(tmp_path / "d", ["photo"], PACS_LABELS, each=1)
    assert find_benchmark("pacs", tmp_path / "d").load("photo").images.shape == (7, 3, 224, 224)


@pytest.mark.parametrize("folder", ["amazon/images", "amazon"])
def test_office31_is_found_with_and_without_images(tmp_path: Path, folder: str) -> None:
    make_tree(tmp_path / "d", [folder], ["back_pack", "bike"])
    office = _find("office31", tmp_path / "d")
    assert office.labels == ("back_pack", "bike")
    assert len(office.load("amazon")) == 4


@pytest.mark.parametrize("folder", ["Real World", "RealWorld", "Real_World"])
def test_officehome_is_found_under_the_names_of_its_copies(tmp_path: Path, folder: str) -> None:
    root = tmp_path / "d" / "OfficeHomeDataset_10072016"
    make_tree(root, ["Art", "Clipart", "Product", folder], ["Alarm_Clock", "Bed"])
    home = _find("officehome", tmp_path / "d")
    assert home.domains == ("art", "clipart", "product", "real_world")
    assert [len(home.load(domain)) for domain in home.domains] == [4, 4, 4, 4]


def test_domainnet_follows_its_lists(tmp_path: Path) -> None:
    net = _find("domainnet", make_domainnet(tmp_path / "d", ["real", "sketch"]))
    assert net.labels == ("aircraft_carrier", "zebra", "alarm_clock")  # numbered, not sorted
    real = net.load("real")
    assert real.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 1, 2]
    assert real.trained_on.tolist() == list(range(9))
    assert real.tested_on.tolist() == [9, 10, 11]


def test_domainnet_with_its_lists_in_a_folder(tmp_path: Path) -> None:
    root = make_domainnet(tmp_path / "d", ["real"])
    (root / "splits").mkdir()
    for file in root.glob("*.txt"):
        file.rename(root / "splits" / file.name)
    assert len(_find("domainnet", root).load("real").tested_on) == 3


def test_domainnet_without_its_lists_is_all_there_for_both(tmp_path: Path) -> None:
    root = make_domainnet(tmp_path / "d", ["real"])
    (root / "real_test.txt").unlink()
    real = _find("domainnet", root).load("real")
    assert len(real) == len(real.tested_on) == len(real.trained_on) == 12
    assert _find("domainnet", root).labels == ("aircraft_carrier", "alarm_clock", "zebra")


def test_an_image_that_a_list_names_but_is_not_there_is_left_out(tmp_path: Path) -> None:
    root = make_domainnet(tmp_path / "d", ["real"])
    (root / "real" / "zebra" / "pic_003.jpg").unlink()
    real = _find("domainnet", root).load("real")
    assert len(real) == 11
    assert real.unreadable == {"real/zebra/pic_003.jpg": "there is no such file"}
    assert real.tested_on.tolist() == [9, 10]


@pytest.mark.parametrize("line", ["real/zebra/pic_000.jpg", "real/zebra/pic_000.jpg two", "7"])
def test_a_line_of_a_list_that_is_none_is_named(tmp_path: Path, line: str) -> None:
    root = make_domainnet(tmp_path / "d", ["real"])
    file = root / "real_train.txt"
    file.write_text(file.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"real_train\.txt:10: '.*' is not a path and a number"):
        _find("domainnet", root).load("real")


def test_lists_that_number_a_class_differently_are_named(tmp_path: Path) -> None:
    root = make_domainnet(tmp_path / "d", ["real", "sketch"])
    file = root / "sketch_train.txt"
    file.write_text(file.read_text(encoding="utf-8").replace(" 1\n", " 2\n"), encoding="utf-8")
    with pytest.raises(DataError, match=r"the lists give number 2 to 'alarm_clock' and"):
        _find("domainnet", root).load("sketch")


def test_visda_follows_its_lists_into_classes_and_trunks(tmp_path: Path) -> None:
    visda = _find("visda2017", make_visda(tmp_path / "d"))
    assert len(visda.labels) == 12
    assert visda.load("train").labels.tolist() == [0, 11, 2]
    assert visda.load("validation").labels.tolist() == [0, 11]  # a name with a space too
    assert visda.load("test").labels.tolist() == [5, 6]


def test_visda_without_lists_goes_by_its_folders(tmp_path: Path) -> None:
    root = make_visda(tmp_path / "d")
    (root / "train" / "image_list.txt").unlink()
    assert sorted(_find("visda2017", root).load("train").labels.tolist()) == [0, 2, 11]


def test_a_number_beyond_the_classes_is_named(tmp_path: Path) -> None:
    root = make_visda(tmp_path / "d")
    (root / "test" / "image_list.txt").write_text("trunk00/a.jpg 12\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"'test' has a class 12; there are 12 classes"):
        _find("visda2017", root).load("test")


def test_a_folder_that_is_no_class_of_pacs_is_named(tmp_path: Path) -> None:
    make_tree(tmp_path / "d", ["photo"], [*PACS_LABELS, "zebra"], each=1)
    with pytest.raises(DataError, match=r"pacs: 'photo' has a class 'zebra'; there are 7"):
        _find("pacs", tmp_path / "d").load("photo")


def test_any_folder_of_domains_is_a_benchmark(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "d", ["day", "night"], ["car", "tree"], end="png")
    folder = _find("folder", root)
    assert folder.domains == ("day", "night")
    assert folder.labels == ("car", "tree")
    assert folder.load("night").labels.tolist() == [0, 0, 1, 1]


def test_a_class_that_one_domain_lacks_keeps_its_number(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "d", ["day"], ["bus", "car", "tree"])
    make_tree(root, ["night"], ["tree"])
    assert _find("folder", root).load("night").labels.tolist() == [2, 2]


def test_a_folder_is_a_class_where_any_domain_has_an_image_in_it(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "d", ["day"], ["car", "tree"])
    make_tree(root, ["night"], ["bus", "tree"])
    (root / "day" / "bus").mkdir()
    (root / "day" / "raw").mkdir()
    folder = _find("folder", root)
    assert folder.labels == ("bus", "car", "tree")
    assert folder.load("day").labels.tolist() == [1, 1, 2, 2]


def test_what_an_operating_system_leaves_behind_is_no_data(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "d", ["day"], ["car"])
    (root / ".cache").mkdir()
    (root / "__MACOSX" / "car").mkdir(parents=True)
    (root / "day" / ".hidden").mkdir()
    picture(root / "day" / "car" / "._pic_000.jpg")
    (root / "day" / "car" / "Thumbs.db").write_bytes(b"")
    folder = _find("folder", root)
    assert (folder.domains, folder.labels) == (("day",), ("car",))
    assert len(folder.load("day")) == 2


def test_missing_data_says_what_belongs_where(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        _find("pacs", tmp_path / "d").load("photo")
    text = str(raised.value)
    assert f"domain 'photo' is missing: {tmp_path / 'd' / 'photo'} is no folder" in text
    assert "art_painting/<class>/*.jpg" in text
    assert "$DGSEARCH_DATA/pacs" in text


def test_the_default_root_is_below_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DGSEARCH_DATA", str(tmp_path))
    make_tree(tmp_path / "pacs", ["photo"], PACS_LABELS, each=1)
    assert len(find_benchmark("pacs", None, image_size=8).load("photo")) == 7


@pytest.mark.parametrize("name", ["pacs", "folder"])
def test_an_unknown_domain_is_named(tmp_path: Path, name: str) -> None:
    make_tree(tmp_path / "d", ["photo"], PACS_LABELS, each=1)
    with pytest.raises(DataError, match=f"'fotos' is no domain of {name}; .*'photo'"):
        _find(name, tmp_path / "d").load("fotos")


def test_an_unknown_benchmark_is_named() -> None:
    with pytest.raises(DataError, match=r"benchmark 'pcas' is unknown; .*did you mean 'pacs'"):
        find_benchmark("pcas", None)
