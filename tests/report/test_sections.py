"""What the page says of rich studies, and that no text from a database is obeyed."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import optuna
import plotly.graph_objects as go
import pytest

from dgsearch.database.recorder import Ending
from dgsearch.report import write_report
from dgsearch.report.building import build_page
from dgsearch.report.encoding import figure_data
from dgsearch.report.figures.base import around, domain_colours, safe
from dgsearch.report.parts import Figure, Note, Section, Table, Warn
from tests.bulk import bulk_search
from tests.fakes import (
    ABLATION,
    FakeStudy,
    fake_spec,
    full_study,
    planned,
    rich_study,
    some_samples,
)
from tests.report.page_sections import PageSections, page_sections

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def _texts(section: Section) -> str:
    return " ".join(block.text for block in section.blocks if isinstance(block, Note | Warn))


@pytest.fixture(scope="module")
def ablation(tmp_path_factory: pytest.TempPathFactory) -> PageSections:
    database = f"sqlite:///{tmp_path_factory.mktemp('ablation') / 'study.db'}"
    rich_study(database, name="ablation", design=ABLATION, seeds=list(range(8)))
    return page_sections(database, "ablation")


def test_diagnostics_stand_against_accuracy_where_five_configurations_differ(
    database: str,
) -> None:
    vary = {"lambda_adv": [0.0, 0.2, 0.5, 0.8, 1.0]}
    rich_study(database, design={"kind": "grid", "vary": vary}, seeds=[0, 1])
    section = page_sections(database, "rich")["diagnostics-accuracy"]
    note, figure = section.blocks
    assert isinstance(note, Note)
    assert "across configurations" in note.text
    assert isinstance(figure, Figure)
    assert {row[1].text for row in figure.table.rows} == {"5"}


def test_an_ablation_has_every_section_that_its_data_allows(
    ablation: PageSections,
) -> None:
    assert list(ablation) == [
        "answer", "domains", "rules", "ablation", "curves", "halving", "source-target",
        "signatures", "diagnostics", "samples", "cost", "trials",
        "provenance", "file",
    ]  # fmt: skip


def test_the_answer_names_the_planted_effect_alone(ablation: PageSections) -> None:
    answer = _texts(ablation["answer"])
    assert "Of 3 variants and baselines, 1 differs from it after Holm's correction:" in answer
    assert "correction: plain attention -" in answer
    assert "without L_adv" not in answer
    assert "does not mean equality" in answer


def test_what_a_trial_warned_of_is_told(ablation: PageSections) -> None:
    assert "1 trial warned: no step was taken" in _texts(ablation["answer"])


def test_the_reported_difference_stands_beside_ours(ablation: PageSections) -> None:
    (figure,) = (block for block in ablation["ablation"].blocks if isinstance(block, Figure))
    rows = {str(row[0]): row for row in figure.table.rows}
    assert figure.table.headings[-1] == "reported difference"
    reported = rows["without L_adv"][-1]
    assert not isinstance(reported, str)
    assert reported.number == pytest.approx(-3.6)


def test_a_failure_is_named_with_its_numbers(ablation: PageSections) -> None:
    text = _texts(ablation["signatures"])
    assert re.search(
        r"cover few of the classes.*share of classes generated below 0\.8: full", text
    )


def test_every_figure_of_a_page_has_a_name_of_its_own(ablation: PageSections) -> None:
    names = [
        block.name
        for section in ablation.values()
        for block in section.blocks
        if isinstance(block, Figure)
    ]
    assert len(names) == len(set(names)) > 8


def test_a_correction_that_leaves_no_chance_is_said(database: str) -> None:
    def accuracy(trial, random):  # type: ignore[no-untyped-def]
        plain = trial.configuration.values.get("attention") == "plain"
        return 0.5 - 0.1 * plain + random.normal(0, 0.002)

    spec = fake_spec(design=ABLATION, seeds=list(range(6)), baselines=[])
    full_study(database, accuracy, spec)
    answer = _texts(page_sections(database, "fake")["answer"])
    assert "With 2 comparisons, 6 pairs cannot bring the corrected p below 0.062" in answer
    assert "that takes 7 seeds" in answer
    assert "Without the correction, p is below 0.05 for: plain attention" in answer


def test_no_text_of_a_database_ends_a_script_or_opens_an_element(
    database: str, tmp_path: Path
) -> None:
    study = FakeStudy(database, fake_spec(name=HOSTILE, question=HOSTILE))
    for seed in (0, 1):
        started = study.complete(planned(seed=seed), 0.5, {HOSTILE: 0.5 + seed})
        study.recorder.keep_samples(started.trial_id, some_samples(HOSTILE) | {HOSTILE: {}})
        study.complete(planned(seed=seed, T=1), 0.6, {HOSTILE: 0.1})
    failed = study.begin(planned(T=9))
    ending = Ending("FAIL", "failed", error_type=HOSTILE, error=HOSTILE)
    study.recorder.end(failed.trial_id, ending, progress={"warnings": HOSTILE})
    page = write_report(database, [HOSTILE], tmp_path / "r.html").read_text("utf-8")
    own = page[: page.rindex("<footer>")]
    assert "<script>alert" not in own
    assert "<img src=x" not in own
    holding = sum(own.count(f'class="{name}-data"') for name in ("plot", "study", "trials"))
    assert own.count("<script") == own.count("</script>") == holding
    assert html.escape(HOSTILE, quote=False) in own
    for text in re.findall(r'class="(?:plot|study)-data"[^>]*>(.*?)</script>', own, flags=re.S):
        assert "<img" not in json.dumps(json.loads(text))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"rows": ["a"], "columns": 1, "sprite": "PHNjcmlwdD4="}, "is not a PNG picture"),
        ({"rows": [], "columns": 1, "sprite": ""}, "at least 1 item"),
        ({"rows": ["a"]}, "sprite: Field required"),
    ],
)
def test_a_broken_sample_is_named_and_not_drawn(
    database: str, content: dict[str, object], problem: str
) -> None:
    study = FakeStudy(database)
    started = study.complete(planned(), 0.5)
    study.recorder.keep_samples(started.trial_id, {"images": content})
    samples = page_sections(database, "fake")["samples"]
    assert problem in _texts(samples)
    assert {block.kind for block in samples.blocks} == {"note", "warning"}


def test_a_foreign_study_that_minimises_is_read_the_right_way_round(database: str) -> None:
    study = optuna.create_study(study_name="foreign", storage=database, direction="minimize")
    study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=12)
    sections = page_sections(database, "foreign")
    assert f"is trial {study.best_trial.number} with x = " in _texts(sections["answer"])
    assert "sensitivity-x" in sections
    assert "domains" not in sections


def test_studies_on_one_page_are_compared_where_their_data_is_the_same(database: str) -> None:
    full_study(database, spec=fake_spec(name="a"))
    full_study(database, spec=fake_spec(name="b"))
    other = {"benchmark": "digits-mini", "source": ["scan"], "targets": ["slanted"]}
    full_study(database, spec=fake_spec(name="c", data=other))
    page = build_page(database, ["a", "b", "c", "a"])
    assert [part.name for part in page.parts] == ["a", "b", "c"]
    assert page.together is not None
    assert "c has other data" in _texts(page.together)


@pytest.mark.slow
def test_a_page_of_many_trials_is_small_and_counts_instead_of_dots(
    database: str, tmp_path: Path
) -> None:
    bulk_search(database, trials=6000, epochs=3)
    page = write_report(database, ["bulk"], tmp_path / "r.html")
    assert page.stat().st_size < 8e6
    text = page.read_text("utf-8")
    assert "More than 2000: counts instead of dots" in text
    assert "configurations as counts in cells" in text
    assert "The 500 trials of the best value, of 6000" in text


def test_texts_of_a_figure_are_escaped_and_its_own_markup_is_kept() -> None:
    figure = go.Figure(go.Scatter(x=["<b>"], y=[1], name="<a href='x'>", hovertemplate="<br>%{x}"))
    trace = figure_data(figure)["data"][0]
    assert trace["x"] == ["&lt;b&gt;"]
    assert trace["name"] == "&lt;a href='x'&gt;"
    assert trace["hovertemplate"] == "<br>%{x}"


def test_a_name_in_a_hover_text_is_neither_tag_nor_placeholder() -> None:
    assert safe("<b> %{x} {y}") == "&lt;b&gt; % &#123;x} &#123;y}"


def test_a_domain_keeps_its_colour_whatever_stands_beside_it() -> None:
    page = domain_colours(["photo", "street", "slanted"])
    assert len({page[name] for name in ("photo", "street", "slanted")}) == 3


def test_an_axis_holds_the_intervals_unless_they_are_far_wider() -> None:
    import pandas as pd

    dots = pd.Series([1.0, 2.0])
    near = around(dots, pd.DataFrame({"low": [0.5], "high": [2.5]}), least=0)
    assert near == pytest.approx([0.5 - 0.15, 2.5 + 0.15])
    far = around(dots, pd.DataFrame({"low": [-90.0], "high": [90.0]}), least=0)
    assert far == pytest.approx([1 - 1.5 - 0.15, 2 + 1.5 + 0.15])


def test_an_error_of_many_trials_is_told_once_with_their_numbers(database: str) -> None:
    study = FakeStudy(database)
    for steps in range(12):
        started = study.begin(planned(T=steps))
        error = "too hot\n  at line 3" if steps else "too cold"
        ending = Ending("FAIL", "failed", error_type="E", error=error)
        study.recorder.end(started.trial_id, ending)
    warnings = [
        block.text
        for block in page_sections(database, "fake")["trials"].blocks
        if isinstance(block, Warn)
    ]
    assert warnings == [
        "Trial 0: too cold",
        "Trials 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 1 more: too hot |   at line 3",
    ]


def test_the_key_facts_name_every_method_that_was_trained(database: str) -> None:
    full_study(database)
    (table,) = (
        block
        for block in page_sections(database, "fake")["answer"].blocks
        if isinstance(block, Table) and block.name == "key-facts"
    )
    assert dict(table.rows)["method"] == "mpbm; compared with erm"


def test_an_attempt_that_was_repeated_is_no_failed_trial(database: str) -> None:
    study = FakeStudy(database)
    for seed in (0, 1):
        lost = study.begin(planned(seed=seed))
        ending = Ending("FAIL", "interrupted", error_type="WorkerDied", error="it was killed")
        study.recorder.end(lost.trial_id, ending)
    study.complete(planned(seed=0), 0.5)
    answer = page_sections(database, "fake")["answer"]
    assert "1 trial failed and is excluded" in _texts(answer)  # seed 1 has no other attempt yet
    (table,) = (block for block in answer.blocks if isinstance(block, Table))
    told = dict(table.rows)["trials"]
    assert told == "3 trials: 2 FAIL, 1 COMPLETE; 1 of them lost and retried"


def test_pairs_are_those_of_the_hyperparameters_that_matter_most(database: str) -> None:
    bulk_search(database, trials=200, epochs=3)
    pairs = page_sections(database, "bulk")["pairs"]
    drawn = {block.name for block in pairs.blocks if isinstance(block, Figure)}
    assert "pair-lambda_adv-attention" in drawn  # the outcome depends on these two alone
    assert len(drawn) == 6
    assert "Drawn are the 4 hyperparameters that move the prediction most. Left out: " in _texts(
        pairs
    )
