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
    check_families,
    linked,
    transform_families,
)
from dgsearch.study.families import judging_families as families_by_method

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


@given(st.sets(st.sampled_from(list(FAMILIES))), st.sets(st.sampled_from(list(FAMILIES))))
def test_a_method_is_judged_by_what_it_does_not_train_with(one: set[str], two: set[str]) -> None:
    judging = families_by_method({"one": one, "two": two})
    assert sorted([*one, *judging["one"]]) == sorted(FAMILIES)
    assert list(judging["two"]) == [name for name in FAMILIES if name not in two]
    both = families_by_method({"one": one, "two": two}, together=("one", "two"))
    assert both["one"] == both["two"]
    assert set(both["one"]) == set(FAMILIES) - one - two


def test_methods_are_compared_over_families_that_hang_together() -> None:
    assert linked([("blur", "noise"), ("noise", "edges"), ("edges",)])
    assert linked([("edges",), ("blur",), ("edges", "blur")])  # the last one joins them
    assert not linked([("blur", "noise"), ("edges",)])
    halves = {"one": FAMILIES.keys() - set(list(FAMILIES)[:7]), "two": list(FAMILIES)[:7]}
    (problem,) = check_families({name: tuple(own) for name, own in halves.items()})
    assert "one and two have no family of transformations in common" in problem.message


@pytest.mark.parametrize("method", sorted(installed_methods()))
def test_methods_declare_families_that_exist(method: str) -> None:
    assert set(family_facts([method])[method]) <= set(FAMILIES)


def test_each_method_is_judged_by_what_it_does_not_train_with_itself(tmp_path: Path) -> None:
    spec = load_study(_study(tmp_path, "erm", '["cutmix", "adversarial"]'), catalogue())
    judging = judging_families(spec)
    assert judging["erm"] == tuple(FAMILIES)
    assert set(FAMILIES) - set(judging["cutmix"]) == {"occlusion"}
    assert set(FAMILIES) - set(judging["adversarial"]) == {"noise"}


def test_methods_that_halving_compares_are_judged_by_the_same_families(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text("""
name = "halved"
method = "erm"
baselines = ["randconv"]
seeds = [0]
selection = "augmented"
[data]
benchmark = "digits-mini"
source = ["scan"]
targets = ["photo"]
[design]
kind = "ablation"
variants.cut = { method = "cutmix" }
variants.attacked = { method = "adversarial" }
[halving]
allow_truncated = true
""")
    judging = judging_families(load_study(file, catalogue()))
    both = tuple(name for name in FAMILIES if name not in {"occlusion", "noise"})
    assert judging["erm"] == judging["cutmix"] == judging["adversarial"] == both
    assert "noise" in judging["randconv"]  # a baseline is never cut short


def test_the_augmentation_of_the_study_file_counts_too(tmp_path: Path) -> None:
    more = '[[augmentation]]\nname = "GaussianBlur"\nkernel_size = 3'
    spec = load_study(_study(tmp_path, "erm", more=more), catalogue())
    assert "blur" not in judging_families(spec)["erm"]


def test_a_study_that_leaves_too_few_families_is_refused(tmp_path: Path) -> None:
    names = ("ColorJitter", "RandomSolarize", "GaussianBlur", "GaussianNoise", "ElasticTransform",
             "RandomErasing", "RandomPosterize", "Resize")  # fmt: skip
    own = {"RandomSolarize": "threshold = 0.5", "GaussianBlur": "kernel_size = 3",
           "RandomPosterize": "bits = 4", "Resize": "size = [32, 32]"}  # fmt: skip
    more = "".join(f'[[augmentation]]\nname = "{name}"\n{own.get(name, "")}\n' for name in names)
    file = _study(tmp_path, "strong_augmentation", more=more)
    told = r"strong_augmentation can be judged by 1 of the families of transformations \(edges\)"
    with pytest.raises(StudyFileError, match=told) as caught:
        load_study(file, catalogue())
    assert 'choose selection = "last" or "best"' in str(caught.value)
