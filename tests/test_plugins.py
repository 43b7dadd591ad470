"""Packages of other people: found, checked, and where they are broken named and left out."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dgsearch.data import registry as benchmarks
from dgsearch.errors import MethodError
from dgsearch.methods import registry as methods

GOOD = """
from dgsearch.methods.single_domain import SingleDomain, plain_loss
METHOD = SingleDomain(name="{name}", summary="one more", loss=plain_loss)
"""
OTHER_PRETRAIN = """
from dataclasses import dataclass, replace
from dgsearch.methods.single_domain import SingleDomain, plain_loss
from dgsearch.methods.supervised import Supervised, start_classifier

def start(context):
    return Supervised(context, start_classifier(context, weights="none"), epochs=1, phase="x")

class Method(SingleDomain):
    def stages(self, values):
        first, last = super().stages(values)
        return replace(first, start=start), last

METHOD = Method(name="odd", summary="", loss=plain_loss)
"""
STRIPES = """
import torch
from dgsearch.data.benchmark import Domain

class Stripes:
    name, domains, labels = "{name}", ("across", "down"), ("0", "1")
    image_size, summary = 8, "stripes"

    def load(self, domain, *, seed=0):
        return Domain(torch.zeros(4, 3, 8, 8, dtype=torch.uint8), torch.tensor([0, 1, 0, 1]))

def METHOD(place):
    return Stripes()
"""


def add_plugin(folder: Path, name: str, text: str, group: str = "dgsearch.methods") -> None:
    """A package of one module `plugged_<name>` and one entry point, as if it were installed."""
    module = f"plugged_{name}"
    (folder / f"{module}.py").write_text(text, encoding="utf-8")
    described = folder / f"{module}-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}:METHOD\n")


def _forget() -> None:
    methods._installed.cache_clear()
    benchmarks._installed.cache_clear()
    for name in [name for name in sys.modules if name.startswith("plugged_")]:
        del sys.modules[name]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose packages are installed for the time of a test."""
    monkeypatch.syspath_prepend(tmp_path)
    _forget()
    yield tmp_path
    _forget()


def test_a_plug_in_is_a_method_like_any_other(site: Path) -> None:
    add_plugin(site, "good", GOOD.format(name="good"))
    assert methods.find_method("good").summary == "one more"
    assert methods.plugin_packages() == {"good": "plugged_good 1.0"}
    assert "good" in methods.catalogue().methods


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("METHOD = 1 / 0", "ZeroDivisionError: division by zero"),
        ("x = 1", "AttributeError: module 'plugged_bad' has no attribute 'METHOD'"),
        ("class METHOD: name = 'bad'", "is no method: it has no summary, space, one_target"),
        (GOOD.format(name="mpbm"), "there is a method 'mpbm' already; give it another name"),
        (
            GOOD.format(name="bad") + "object.__setattr__(METHOD, 'name', 3)",
            "name = 3 must be a text",
        ),
        (OTHER_PRETRAIN, "its stage 'pretrain' would share what that of dgsearch made"),
    ],
)
def test_a_broken_plug_in_is_named_once_and_the_rest_works(
    text: str, reason: str, site: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add_plugin(site, "bad", text)
    add_plugin(site, "good", GOOD.format(name="good"))
    with caplog.at_level(logging.WARNING):
        names = set(methods.installed_methods())
        methods.catalogue()
    assert {"good", "mpbm", "augkd"} <= names
    assert "bad" not in names
    (record,) = caplog.records
    message = record.getMessage()
    assert message.startswith("plug-in 'bad' (plugged_bad:METHOD of plugged_bad 1.0) is left out")
    assert reason in message
    assert "\n" not in message
    with pytest.raises(MethodError, match="method 'bad' is unknown"):
        methods.find_method("bad")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("stages = lambda self, values: []", r"stages\(\) must return a tuple of one or more"),
        ("space = {}", "space is a dict, not a dgsearch.space.Space"),
        ("space = __import__('dgsearch.space').space.Space(())", "needs a whole number 'epochs'"),
    ],
)
def test_a_plug_in_that_breaks_the_protocol_is_told_how(
    change: str, reason: str, site: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = GOOD.format(name="bad") + f"class Bad(SingleDomain):\n    {change}\n"
    text += "METHOD = Bad(name='bad', summary='', loss=plain_loss)"
    add_plugin(site, "bad", text)
    assert "bad" not in methods.installed_methods()
    assert re.search(reason, caplog.text)


def test_of_two_plug_ins_of_one_name_the_first_package_stays(
    site: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add_plugin(site, "b", GOOD.format(name="same"))
    add_plugin(site, "a", GOOD.format(name="same"))
    assert "same" in methods.installed_methods()
    assert methods.plugin_packages() == {"same": "plugged_a 1.0"}
    assert "plug-in 'b' (plugged_b:METHOD of plugged_b 1.0) is left out" in caplog.text


def test_a_benchmark_may_be_a_plug_in(site: Path) -> None:
    add_plugin(site, "stripes", STRIPES.format(name="stripes"), "dgsearch.benchmarks")
    assert benchmarks.benchmark_domains()["stripes"] == ("across", "down")
    assert len(benchmarks.find_benchmark("stripes", None).load("down")) == 4


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("x", "import no_such_module", "No module named 'no_such_module'"),
        ("x", "def METHOD(place): return 3", "it has no name, domains, labels"),
        ("x", STRIPES.format(name="y"), "makes the benchmark 'y'; name the entry point so"),
        ("pacs", STRIPES.format(name="pacs"), "there is a benchmark 'pacs' already; rename it"),
    ],
)
def test_a_broken_benchmark_is_named_and_the_rest_works(
    name: str, text: str, reason: str, site: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add_plugin(site, name, text, "dgsearch.benchmarks")
    assert {"digits-mini", "pacs"} <= set(benchmarks.benchmark_names())
    (record,) = caplog.records
    assert reason in record.getMessage()
