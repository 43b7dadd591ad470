from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import optuna
import pytest
from plotly.offline import get_plotlyjs_version

import dgsearch
from dgsearch.database.recorder import Ending
from dgsearch.errors import DatabaseError
from dgsearch.files import safe_name
from dgsearch.report import write_report
from tests.fakes import FakeStudy, fake_spec, full_study, planned


def _page(database: str, tmp_path: Path, *studies: str) -> str:
    return write_report(database, studies or ["fake"], tmp_path / "p" / "r.html").read_text(
        "utf-8"
    )


def _own_part(page: str) -> str:
    """The page without plotly's library."""
    return page[: page.rindex("<footer>")]


def test_the_page_tells_what_was_run(database: str, tmp_path: Path) -> None:
    full_study(database)
    page = _own_part(_page(database, tmp_path))
    for text in (
        "Does it matter?",
        "λ_adv",
        "fingerprint 00ff",
        "a chip",
        "last epoch",
        "18 COMPLETE",
    ):
        assert text in page


def test_each_varied_hyperparameter_has_its_figure(database: str, tmp_path: Path) -> None:
    full_study(database)
    page = _own_part(_page(database, tmp_path))
    found = re.findall(
        r'data-name="fake-sensitivity-(.+?)".*?class="plot-data">(.*?)</script>', page, flags=re.S
    )
    assert [name for name, _ in found] == ["lambda_adv", "T"]
    for _, text in found:
        figure = json.loads(text)
        assert len(figure["data"]) == 6  # dots and means of two targets and their mean
        assert {trace["type"] for trace in figure["data"]} == {"scatter"}


def test_two_seeds_are_not_called_a_difference(database: str, tmp_path: Path) -> None:
    full_study(database, spec=fake_spec(seeds=[0, 1]))
    page = _own_part(_page(database, tmp_path))
    assert "the smallest two-sided p that 2 pairs can reach is 0.5" in page
    assert "these seeds do not establish a difference" in page


def test_a_single_seed_gets_its_warning(database: str, tmp_path: Path) -> None:
    full_study(database, spec=fake_spec(seeds=[0]))
    assert "A single seed" in _own_part(_page(database, tmp_path))


def test_a_clear_difference_is_stated_with_its_interval(database: str, tmp_path: Path) -> None:
    def accuracy(trial, random):  # type: ignore[no-untyped-def]
        better = trial.configuration.method == "mpbm"
        return 0.5 + 0.1 * better + random.normal(0, 0.005)

    full_study(database, accuracy, fake_spec(seeds=list(range(6))))
    page = _own_part(_page(database, tmp_path))
    assert re.search(r"It is (9|10)\.\d points above erm", page)
    assert "do not establish" not in page


def test_unfinished_and_failed_trials_are_told(database: str, tmp_path: Path) -> None:
    study = FakeStudy(database)
    study.complete(planned(), 0.5)
    study.begin(planned(T=1))
    failed = study.begin(planned(T=10))
    study.recorder.end(failed.trial_id, Ending("FAIL", "failed", error_type="E", error="x"))
    page = _own_part(_page(database, tmp_path))
    assert "1 trial is still running" in page
    assert "1 trial failed and is excluded" in page


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a & b \"c\" 'd'", "{{ 7 * 7 }}"])
def test_a_hostile_name_is_shown_and_not_run(database: str, tmp_path: Path, name: str) -> None:
    full_study(database, spec=fake_spec(name=name, question=name))
    page = _own_part(_page(database, tmp_path, name))
    assert "<script>alert" not in page
    assert "49" not in re.findall(r"<h1>(.*?)</h1>", page)[0]
    assert re.search(r"<h1>(&lt;script&gt;|a &amp; b|\{\{ 7)", page)


def test_a_study_without_trials_has_a_page(database: str, tmp_path: Path) -> None:
    FakeStudy(database)
    assert "0 trials" in _own_part(_page(database, tmp_path))


def test_a_study_that_optuna_alone_wrote_has_a_page(database: str, tmp_path: Path) -> None:
    study = optuna.create_study(study_name="foreign", storage=database)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    assert "3 COMPLETE" in _own_part(_page(database, tmp_path, "foreign"))


def test_several_studies_share_a_page(database: str, tmp_path: Path) -> None:
    full_study(database)
    full_study(database, spec=fake_spec(name="other"))
    page = _own_part(_page(database, tmp_path, "fake", "other"))
    assert re.findall(r"<h1>(.*?)</h1>", page) == ["fake", "other"]
    anchors = re.findall(r' id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))


def test_nothing_is_loaded_from_elsewhere(database: str, tmp_path: Path) -> None:
    full_study(database)
    page = _own_part(_page(database, tmp_path))
    assert not re.search(r'(src|href)="(?!#|data:)', page)


def test_an_unknown_study_is_named(database: str, tmp_path: Path) -> None:
    full_study(database)
    with pytest.raises(DatabaseError, match="'fakes' is not in sqlite:"):
        _page(database, tmp_path, "fakes")


@pytest.mark.parametrize(
    ("study", "file"),
    [("demo-mpbm", "demo-mpbm"), ("../a b/c", "a-b-c"), ("<>", "study"), ("x" * 300, "x" * 80)],
)
def test_a_studys_file_name_is_safe(study: str, file: str) -> None:
    assert safe_name(study) == file


def test_the_embedded_bundle_is_of_the_major_version_that_plotly_writes_figures_for() -> None:
    bundle = (files("dgsearch.report") / "plotly_js" / "plotly-cartesian.min.js").read_text(
        "utf-8"
    )
    found = re.search(r"plotly\.js \(cartesian - minified\) v(\d+)\.", bundle)
    assert found is not None
    assert found.group(1) == get_plotlyjs_version().split(".")[0]


def test_the_bundle_draws_every_trace_that_figures_are_made_of() -> None:
    source = (Path(dgsearch.__file__).parent / "report/figures/plain.py").read_text("utf-8")
    traces = set(re.findall(r'_trace\("(\w+)"', source))
    assert traces == {"bar", "contour", "heatmap", "scatter"}


def test_a_page_with_figures_stays_under_two_megabytes(database: str, tmp_path: Path) -> None:
    full_study(database)
    assert len(_page(database, tmp_path).encode()) < 2_000_000
