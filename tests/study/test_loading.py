from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from dgsearch.errors import StudyFileError
from dgsearch.study import Catalogue, load_study, parse_study
from tests.fakes import ADAPTIVE, CATALOGUE

GOOD: dict[str, Any] = {
    "name": "good",
    "method": "mpbm",
    "seeds": [0, 1],
    "data": {"benchmark": "digits-mini", "source": ["scan"], "targets": ["photo", "street"]},
    "hyperparameters": {"lr": 1e-2},
    "design": {"kind": "grid", "vary": {"T": [1, 5]}},
}


def _problems(**changes: Any) -> list[str]:
    raw = copy.deepcopy(GOOD)
    for key, value in changes.items():
        table = raw
        *parents, last = key.split("__")
        for parent in parents:
            table = table.setdefault(parent, {})
        if value is None:
            del table[last]
        else:
            table[last] = value
    with pytest.raises(StudyFileError) as caught:
        parse_study(raw, CATALOGUE, file="x.toml")
    return str(caught.value).splitlines()


def test_a_good_file_gives_the_study_with_its_defaults() -> None:
    spec = parse_study(GOOD, CATALOGUE, file="x.toml")
    assert (spec.name, spec.seeds, spec.selection) == ("good", (0, 1), "last")
    assert spec.resources.gpus == "auto"
    assert spec.halving is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nmae": 1}, "nmae: unknown key; allowed: name, question"),
        ({"seeds": None}, "seeds: is missing; add it"),
        ({"seeds": []}, "seeds = []: must not be empty; list at least one"),
        ({"seeds": [0, 0]}, "seeds = [0, 0]: values must differ; remove the repeated one"),
        ({"seeds": [-1]}, "seeds[0] = -1: input should be greater than or equal to 0"),
        ({"seeds": 3}, "seeds = 3: must be a list, for example [0, 1]"),
        ({"method": "mpbn"}, "method = 'mpbn': unknown method; allowed: erm, mpbm; did you mean 'mpbm'?"),
        ({"baselines": ["mpbm"]}, "baselines[0] = 'mpbm': is the method itself; remove it"),
        ({"data__source": []}, "data.source: is missing; name the domains to train on, or give a teacher under [teacher]"),
        (
            {"data__targets": ["streat"]},
            "data.targets[0] = 'streat': not a domain of digits-mini; "
            "allowed: scan, photo, street, slanted; did you mean 'street'?",
        ),
        (
            {"data__targets": ["scan"]},
            "data.targets = 'scan': is a source too; a target must not be trained on",
        ),
        ({"data__benchmark": "digits"}, "data.benchmark = 'digits': unknown benchmark; allowed: digits-mini; did you mean 'digits-mini'?"),
        ({"data__validation": 1.5}, "data.validation = 1.5: input should be less than 1"),
        ({"data__colour": 1}, "data.colour: unknown key; allowed: benchmark, source"),
        ({"hyperparameters__lr": 0}, "hyperparameters.lr = 0: must be > 0"),
        ({"hyperparameters__T": 2.5}, "hyperparameters.T = 2.5: must be a whole number in [0, 100]"),
        ({"hyperparameters__Tt": 2}, "hyperparameters.Tt: unknown hyperparameter; allowed: lambda_adv, lambda_mix, T"),
        ({"hyperparameters__attention": "soft"}, "hyperparameters.attention = 'soft': allowed: feature, plain"),
        ({"design__kind": "gird"}, "design.kind = 'gird': allowed: a-a, one-at-a-time, grid, ablation, sobol, search, adaptive-seeds, family, shapley; did you mean 'grid'?"),
        ({"design__vary__T": []}, "design.vary.T = []: must not be empty; list at least one"),
        ({"design__vary__T": [1, 101]}, "design.vary.T[1] = 101: must be in [0, 100]"),
        ({"design__vary__T": [1, [2]]}, "design.vary.T[1] = [2]: must be a number or a name"),
        ({"design": {"kind": "sobol", "samples": 12, "vary": {"T": {"low": 1, "high": 5}, "lambda_adv": {"low": 0, "high": 1}}}}, "design.samples = 12: must be a power of two; use 8 or 16"),
        ({"design": {"kind": "sobol", "samples": 8, "vary": {"T": {"low": 1, "high": 5}, "attention": {"low": 0, "high": 1}}}}, "design.vary.attention: is no number; list some of feature, plain"),
        ({"design": ADAPTIVE | {"max_seeds": 1}}, "design.max_seeds = 1: must be at least 2, the number of the study's own seeds"),
        ({"design": ADAPTIVE | {"against": "baseline"}, "baselines": []}, "design.against = 'baseline': the study has no baselines; list one"),
        ({"design": ADAPTIVE, "seeds": [4]}, "seeds = [4]: adaptive-seeds compares over seeds from its first look on; list at least three"),
        ({"design": ADAPTIVE | {"margin": 1}}, "design.margin = 1: input should be less than 1"),
        ({"design": ADAPTIVE | {"most_seeds": 9}}, "design.most_seeds: unknown key; allowed: kind, vary, combine, against, max_seeds, margin, confidence"),
        ({"design": ADAPTIVE, "halving": {"allow_truncated": True}}, "halving: the design adaptive-seeds compares trials of full length only; remove [halving]"),
        ({"design__vary__S": [1]}, "design.vary.S: unknown hyperparameter; allowed: lambda_adv, lambda_mix, T"),
        ({"resources": {"gpus": 1.5}}, "resources.gpus = 1.5: a trial takes a share of one device"),
        ({"resources": {"gpus": -1}}, 'resources.gpus = -1: must be a number >= 0 or "auto"'),
        ({"halving": {"keep_one_in": 1}}, "halving.keep_one_in = 1: input should be greater than or equal to 2"),
        ({"halving": {}}, "halving: the design grid compares trials of full length"),
    ],
)  # fmt: skip
def test_a_bad_entry_is_named_with_what_is_allowed(changes: dict[str, Any], message: str) -> None:
    assert any(line.startswith(f"x.toml: {message}") for line in _problems(**changes))


def test_every_problem_is_reported_at_once() -> None:
    lines = _problems(
        nmae=1, seeds=[], data__targets=["streat"], hyperparameters__lr=-1, design__vary__T=[-1]
    )
    assert len(lines) == 5


def test_an_unknown_key_hides_no_other_problem_of_its_section() -> None:
    found = _problems(
        data__tragets=1,
        data__targets=["streat"],
        design__kinds="grid",
        design__vary={"T": [-1]},
        retries={"lost_wroker": 1, "interrupted": 3},
        hyperparameters__lrr=1,
    )
    for start in (
        "data.tragets: unknown key; allowed: benchmark",
        "data.targets[0] = 'streat': not a domain",
        "design.kinds: unknown key; allowed: kind, vary; did you mean 'kind'?",
        "design.vary.T[0] = -1: must be in [0, 100]",
        "retries.lost_wroker: unknown key; allowed: out_of_memory, lost_worker, interrupted",
        "hyperparameters.lrr: unknown hyperparameter",
    ):
        assert sum(start in line for line in found) == 1, (start, found)
    assert len(found) == 6


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"low": 5, "high": 1}, "low = 5 must be below high = 1; swap them"),
        ({"low": 0, "high": 1, "log": True}, "low = 0 must be > 0 where log = true"),
        ({"low": 0}, "design.vary.lambda_adv.high: is missing"),
        ({"low": 0, "high": 11}, "design.vary.lambda_adv.high = 11.0: must be in [0, 10]"),
        ({"low": 0, "hi": 1}, "design.vary.lambda_adv.hi: unknown key; allowed: low, high, log"),
    ],
)
def test_a_bad_range_is_named(values: dict[str, Any], message: str) -> None:
    design = {"kind": "search", "trials": 3, "vary": {"lambda_adv": values}}
    assert any(message in line for line in _problems(design=design))


def test_halving_is_taken_by_a_search_and_where_truncation_is_accepted() -> None:
    search = {"kind": "search", "trials": 3, "vary": {"T": {"low": 1, "high": 9}}}
    assert parse_study(GOOD | {"design": search, "halving": {}}, CATALOGUE, file="x").halving
    accepted = GOOD | {"halving": {"allow_truncated": True}}
    assert parse_study(accepted, CATALOGUE, file="x").halving


def test_a_syntax_error_is_shown_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('name = "a"\nseeds = [0\nmethod = 1\n')
    with pytest.raises(StudyFileError, match=r"syntax: not TOML: .*line 3"):
        load_study(file, CATALOGUE)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(StudyFileError, match=r"none\.toml: file: does not exist"):
        load_study("none.toml", CATALOGUE)


def test_overrides_replace_entries(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(
        'name = "a"\nmethod = "mpbm"\nseeds = [0]\n[data]\nbenchmark = "digits-mini"\n'
        'source = ["scan"]\ntargets = ["photo"]\n[design]\nkind = "grid"\nvary.T = [1]\n'
    )
    changes = ["seeds=[3, 4]", "hyperparameters.attention=plain", "name = other"]
    spec = load_study(file, CATALOGUE, overrides=changes)
    assert (spec.seeds, spec.hyperparameters, spec.name) == (
        (3, 4),
        {"attention": "plain"},
        "other",
    )


@pytest.mark.parametrize("override", ["seeds", "=3", "name.x=3"])
def test_an_override_that_cannot_be_applied_is_named(tmp_path: Path, override: str) -> None:
    file = tmp_path / "s.toml"
    file.write_text('name = "a"\n')
    with pytest.raises(StudyFileError, match="--set"):
        load_study(file, CATALOGUE, overrides=[override])


def test_domains_that_only_the_data_knows_are_not_checked_here() -> None:
    catalogue = Catalogue(CATALOGUE.methods, {"folder": ()})
    raw = copy.deepcopy(GOOD) | {
        "data": {"benchmark": "folder", "source": ["mine"], "targets": ["yours"]}
    }
    assert parse_study(raw, catalogue, file="x.toml").data.source == ("mine",)
