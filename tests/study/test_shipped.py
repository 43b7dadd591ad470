from __future__ import annotations

from pathlib import Path

import pytest

from dgsearch.errors import StudyFileError
from dgsearch.study.shipped import copy_shipped, find_study, shipped_lines, shipped_studies

STUDIES = Path(__file__).parents[2] / "studies"


def test_every_study_of_the_folder_is_shipped() -> None:
    assert set(shipped_studies()) == {file.stem for file in STUDIES.glob("*.toml")}


@pytest.mark.parametrize("name", ["mpbm_ablation", "mpbm_ablation.toml", "mpbm-ablation"])
def test_a_shipped_study_is_found_by_name(name: str) -> None:
    assert find_study(Path(name)) == STUDIES / "mpbm_ablation.toml"


def test_a_file_that_is_there_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mpbm_ablation.toml").touch()
    assert find_study(Path("mpbm_ablation.toml")) == Path("mpbm_ablation.toml")


def test_a_path_is_never_taken_for_a_name() -> None:
    assert find_study(Path("folder/mpbm_ablation")) == Path("folder/mpbm_ablation")


def test_a_study_is_copied_once(tmp_path: Path) -> None:
    target = copy_shipped("demo-mpbm", tmp_path)
    assert target.read_bytes() == (STUDIES / "demo_mpbm.toml").read_bytes()
    with pytest.raises(StudyFileError, match="exists already"):
        copy_shipped("demo_mpbm", tmp_path)


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(StudyFileError, match="did you mean 'demo_mpbm'"):
        copy_shipped("demo_mbpm", tmp_path)


def test_each_line_has_a_name_and_its_question() -> None:
    (line,) = (line for line in shipped_lines() if line.startswith("demo_mpbm "))
    assert line.endswith("How sensitive is MPBM to λ_adv, λ_mix, T and N_b on small real digits?")
