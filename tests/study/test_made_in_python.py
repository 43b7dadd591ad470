"""A study made in Python is the study of its file, and is written as one."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from dgsearch import StudySpec
from dgsearch.errors import StudyFileError
from dgsearch.methods.registry import catalogue
from dgsearch.study import load_study, parse_study
from dgsearch.study.loading import check_study
from tests.fakes import DESIGNS, WIDER


def _made(**changes: Any) -> StudySpec:
    parts = {
        "name": "made",
        "method": "mpbm",
        "seeds": [0, 1, 2],
        "data": {"benchmark": "digits-mini", "source": ["scan"], "targets": ["photo"]},
        "design": DESIGNS["grid"],
    }
    return StudySpec(**{**parts, **changes})


@pytest.mark.parametrize("kind", DESIGNS)
def test_each_design_is_read_from_the_text_that_it_writes(kind: str, tmp_path: Path) -> None:
    spec = _made(
        design=DESIGNS[kind],
        question='Is "λ" good?',
        resources={"cpus": 2, "report_timeout_s": 60},
        retries={"timed_out": 1},
        metrics={"record": ["nll"]},
        hyperparameters={"epochs": 2} if kind != "family" else {},
    )
    file = tmp_path / "made.toml"
    file.write_text(spec.to_toml(), encoding="utf-8")
    read = load_study(file, WIDER)
    assert read == spec
    assert read.design == spec.design
    assert read.to_toml() == spec.to_toml()
    assert check_study(spec, WIDER) == spec


def test_every_design_is_tried() -> None:
    from dgsearch.designs.registry import installed_designs

    assert set(DESIGNS) == set(installed_designs())


def test_what_is_at_its_default_is_not_written() -> None:
    assert tomllib.loads(_made().to_toml()).keys() == {"name", "method", "seeds", "data", "design"}


def test_sections_that_become_hyperparameters_are_written_as_sections() -> None:
    raw = {
        **_made().to_data(),
        "augmentation": [{"name": "RandomHorizontalFlip", "p": 0.5}],
        "data": {"benchmark": "digits-mini", "source": ["scan"], "targets": ["photo"]}
        | {"download": True},
    }
    spec = parse_study(raw, catalogue(), file="a.toml")
    assert "augment" in spec.hyperparameters
    written = tomllib.loads(spec.to_toml())
    assert "hyperparameters" not in written
    assert written["data"]["download"] is True
    assert parse_study(written, catalogue(), file="b.toml") == spec


def test_wrong_values_are_named_as_those_of_a_file_are() -> None:
    with pytest.raises(StudyFileError) as caught:
        _made(seeds=[], sedes=[1], data={"benchmark": 3, "targets": ["photo"]})
    lines = str(caught.value).splitlines()
    assert lines == [
        "StudySpec: seeds = []: must not be empty; list at least one",
        "StudySpec: data.benchmark = 3: input should be a valid string",
        "StudySpec: sedes: unknown key; allowed: " + lines[2].partition("allowed: ")[2],
    ]
    assert lines[2].endswith("did you mean 'seeds'?")


def test_an_unknown_design_is_told_which_there_are() -> None:
    with pytest.raises(StudyFileError, match=r"design.kind = 'gird': allowed: .*mean 'grid'"):
        _made(design={"kind": "gird"})


def test_names_are_checked_against_what_is_installed() -> None:
    with pytest.raises(StudyFileError, match=r"study 'made': design.vary.attenton: unknown"):
        check_study(_made(design={"kind": "grid", "vary": {"attenton": ["plain"]}}), WIDER)
