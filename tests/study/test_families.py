from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgsearch.errors import StudyFileError
from dgsearch.methods.pipelines import TRANSFORMS
from dgsearch.methods.registry import catalogue, family_facts, installed_methods, judging_families
from dgsearch.study import load_study
from dgsearch.study.families import (
    FAMILIES,
    OF_TRANSFORMS,
    counted_families,
    trained_families,
    transform_families,
)

_STUDY = """
name = "chosen"
method = "{method}"
baselines = {baselines}
seeds = [0]
selection = "augmented"
[data]
benchmark = "digits-mini"
source = ["scan"]
targets = ["photo"]
[design]
kind = "grid"
vary = {{ lr = [0.001, 0.01] }}
{more}
"""


def _study(folder: Path, method: str = "mpbm", baselines: str = "[]", more: str = "") -> Path:
    file = folder / "study.toml"
    file.write_text(_STUDY.format(method=method, baselines=baselines, more=more))
    return file


def test_there_are_at_least_ten_families() -> None:
    assert len(FAMILIES) >= 10


def test_every_transform_of_a_pipeline_belongs_to_families() -> None:
    nested = {"RandomApply", "RandomChoice", "RandomOrder"}
    assert set(OF_TRANSFORMS) == set(TRANSFORMS) - nested
    assert {name for own in OF_TRANSFORMS.values() for name in own} <= set(FAMILIES)


def test_a_nested_transform_has_the_families_of_those_inside() -> None:
    inner = [{"name": "GaussianBlur", "kernel_size": 3}]
    steps = [{"name": "RandomApply", "transforms": inner}, {"name": "RandomInvert"}]
    assert transform_families(steps) == {"blur", "solarise"}


@given(st.lists(st.sets(st.sampled_from(list(FAMILIES))), max_size=4))
def test_what_is_trained_and_what_counts_are_all_families_once(declared: list[set[str]]) -> None:
    trained = trained_families(declared)
    counted = counted_families(trained)
    assert sorted([*trained, *counted]) == sorted(FAMILIES)
    assert set(trained) == set().union(*declared)


@pytest.mark.parametrize("method", sorted(installed_methods()))
def test_methods_declare_families_that_exist(method: str) -> None:
    assert set(family_facts([method])[method]) <= set(FAMILIES)


def test_what_one_compared_method_trains_with_judges_none_of_them(tmp_path: Path) -> None:
    file = _study(tmp_path, "erm", '["cutmix", "adversarial"]')
    spec = load_study(file, catalogue())
    left_out = {"occlusion", "noise"}  # of cutmix and of adversarial
    assert judging_families(spec) == tuple(name for name in FAMILIES if name not in left_out)


def test_methods_that_make_images_leave_four_families_to_judge_by(tmp_path: Path) -> None:
    """`me_ada` trains with noise, `pro_randconv` with convolutions, `advst` with all the rest."""
    file = _study(tmp_path, "erm", '["me_ada", "advst", "pro_randconv"]')
    spec = load_study(file, catalogue())
    assert judging_families(spec) == ("perspective", "edges", "texture", "pixelate")


def test_the_augmentation_of_the_study_file_counts_too(tmp_path: Path) -> None:
    more = '[[augmentation]]\nname = "GaussianBlur"\nkernel_size = 3'
    spec = load_study(_study(tmp_path, "erm", more=more), catalogue())
    assert "blur" not in judging_families(spec)


def test_a_study_that_leaves_too_few_families_is_refused(tmp_path: Path) -> None:
    methods = '["strong_augmentation", "augmix", "cutmix", "adversarial"]'
    more = '[[augmentation]]\nname = "RandomPerspective"\n[[augmentation]]\nname = "Resize"\n'
    file = _study(tmp_path, "erm", methods, more=more + "size = [32, 32]")
    with pytest.raises(StudyFileError, match=r"all families but 2 \(blur, edges\)") as caught:
        load_study(file, catalogue())
    assert 'choose selection = "last" or "best"' in str(caught.value)
