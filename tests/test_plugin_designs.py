"""A design and its section from another package: the modules of CONTRIBUTING's walk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from dgsearch import plugins
from dgsearch.designs.registry import installed_designs
from dgsearch.report.building import build_page
from dgsearch.report.sections import registry
from dgsearch.study.plan import StudyPlan
from tests.fakes import SPACES, fake_spec, full_study

WALK = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
MODULES = {
    "dgsearch/designs/latin_hypercube.py": "strangers_design",
    "dgsearch/report/sections/ranks.py": "strangers_section",
}
OFFERED = {
    "dgsearch.designs": EntryPoint(
        "latin-hypercube", "strangers_design:LatinHypercube", "dgsearch.designs"
    ),
    "dgsearch.sections": EntryPoint(
        "ranks", "strangers_section:rank_section", "dgsearch.sections"
    ),
}
DESIGN = {"kind": "latin-hypercube", "samples": 8, "vary": {"T": {"low": 1, "high": 8}}}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The two modules of the walk, offered through entry points."""
    for path, module in MODULES.items():
        found = re.search(rf"^```python\n# {re.escape(path)}\n(.*?)^```$", WALK, re.M | re.S)
        assert found
        (tmp_path / f"{module}.py").write_text(found[1], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        plugins, "entry_points", lambda group: [OFFERED[group]] if group in OFFERED else []
    )
    installed_designs.cache_clear()
    registry._plugins.cache_clear()
    yield
    installed_designs.cache_clear()
    registry._plugins.cache_clear()


@pytest.mark.usefixtures("package")
def test_it_is_planned_and_has_its_section(database: str) -> None:
    spec = fake_spec(design=DESIGN, baselines=[])
    plan = StudyPlan(spec, SPACES)
    assert plan.configurations[0].values["T"] == 5  # the centre
    assert len(plan.trials) == 3 * 8  # T = 5 is a point of the design too
    full_study(database, spec=spec)
    (part,) = build_page(database, ["fake"]).parts
    anchors = [section.anchor for section in part.sections]
    assert "ranks" in anchors
    assert anchors.index("domains") < anchors.index("ranks") < anchors.index("trials")


def test_without_its_package_the_study_still_has_a_page(
    database: str, package: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_study(database, spec=fake_spec(design=DESIGN, baselines=[]))
    monkeypatch.setattr(plugins, "entry_points", lambda group: [])
    installed_designs.cache_clear()
    registry._plugins.cache_clear()
    (part,) = build_page(database, ["fake"]).parts
    anchors = [section.anchor for section in part.sections]
    assert {"answer", "domains", "configurations", "trials"} <= set(anchors)
    assert "ranks" not in anchors
