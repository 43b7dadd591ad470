"""A stored study file is read back whatever has written it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dgsearch.designs.registry import UnknownDesign
from dgsearch.errors import StudyFileError
from dgsearch.study.stored import stored_study
from tests.fakes import ABLATION, ADAPTIVE, GRID, fake_spec


def _stored(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fake_spec().model_dump_json())
    return found | changes


@pytest.mark.parametrize("design", [None, GRID, ABLATION, ADAPTIVE])
def test_what_was_dumped_comes_back(design: dict[str, Any] | None) -> None:
    spec = fake_spec(**({"design": design} if design else {}))
    assert stored_study(json.loads(spec.model_dump_json())) == spec


def test_a_design_that_is_not_installed_keeps_its_name_and_what_it_varies() -> None:
    design = {"kind": "spiral", "vary": {"T": {"low": 1, "high": 9}}, "turns": 3}
    found = stored_study(_stored(design=design)).design
    assert found == UnknownDesign(kind="spiral", vary={"T": {"low": 1, "high": 9}})
    assert found.sections == ("domains", "sources", "metrics", "configurations", "sensitivity")


def test_keys_and_values_of_another_version_have_their_defaults() -> None:
    stored = _stored(flavour="new", selection="median")
    stored["data"]["camera"] = "x"
    stored["data"]["validation"] = 7.0
    stored["retries"] = {"lost_worker": 5, "by_magic": 1}
    found = stored_study(stored)
    assert (found.selection, found.data.validation) == ("last", 0.2)
    assert (found.retries.lost_worker, found.retries.out_of_memory) == (5, 1)
    assert found.name == "fake"


def test_a_study_without_seeds_is_none() -> None:
    stored = _stored()
    del stored["seeds"]
    with pytest.raises(StudyFileError, match="seeds"):
        stored_study(stored)
