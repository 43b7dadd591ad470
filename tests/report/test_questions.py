"""The page of open questions: none is left out, and what is missing is named with its command."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from dgsearch.analysis.questions import QUESTIONS, study_file
from dgsearch.cli import app
from dgsearch.report.building import Page
from dgsearch.report.parts import Figure, Note, Section, Table, Warn
from dgsearch.report.questions import build_questions
from tests.fakes import fake_spec, full_study, some_samples
from tests.questions import fail_one, question_study

ROOT = Path(__file__).parents[2]


def _section(page: Page, key: str) -> Section:
    return next(
        section for part in page.parts for section in part.sections if section.anchor == key
    )


def _warnings(section: Section) -> list[str]:
    return [block.text for block in section.blocks if isinstance(block, Warn)]


def _states(page: Page) -> dict[str, str]:
    (table,) = [block for block in _section(page, "overview").blocks if isinstance(block, Table)]
    return {str(row[0]): str(row[2]) for row in table.rows}


def test_every_question_is_on_the_page_of_a_database_without_their_studies(
    database: str, tmp_path: Path
) -> None:
    full_study(database, spec=fake_spec(seeds=[0]))
    page = build_questions(database)
    assert _section(page, "overview").title == "0 of 17 questions are answered"
    for question in QUESTIONS:
        section = _section(page, question.key)
        assert section.title == f"{question.number}. {question.text}"
        assert _warnings(section) == [
            f"{name} is not in this database. Run it with: dgsearch run {study_file(name)}"
            for name in question.studies
        ]


def test_an_answer_stands_with_its_figure_table_and_studies(database: str) -> None:
    question_study(database, "mpbm-q8-queries")
    page = build_questions(database)
    section = _section(page, "mpbm-8")
    kinds = [type(block) for block in section.blocks]
    assert kinds == [Note, Figure, Note]
    figure = section.blocks[1]
    assert isinstance(figure, Figure)
    assert [str(row[0]) for row in figure.table.rows] == ["noise alone", "FGSM"]
    assert section.blocks[-1] == Note(
        "From mpbm-q8-queries (9 trials, 3 seeds). All of it: dgsearch report mpbm-q8-queries"
    )
    assert _states(page)["MPBM 8"] == "answered"


def test_the_page_says_verdicts_and_where_the_region_of_equivalence_comes_from(
    database: str,
) -> None:
    question_study(database, "mpbm-q8-queries")
    for rope, told in (
        (None, "without one, nothing is called equivalent"),
        (0.02, "The region is ±2 points for all studies (--rope 0.02)."),
    ):
        page = build_questions(database, rope=rope)
        notes = [b.text for b in _section(page, "overview").blocks if isinstance(b, Note)]
        assert told in notes[1]
        (figure,) = [b for b in _section(page, "mpbm-8").blocks if isinstance(b, Figure)]
        assert figure.table.headings[-1] == "verdict"
        assert {row[-1] for row in figure.table.rows} <= {"open", "equivalent"}


def test_an_unfinished_study_is_not_read_as_an_answer(database: str) -> None:
    question_study(database, "mpbm-q8-queries", keep=8)
    page = build_questions(database)
    assert _warnings(_section(page, "mpbm-8")) == [
        "mpbm-q8-queries is unfinished: 8 of 9 planned trials have ended. Resume it with: "
        "dgsearch run studies/mpbm_q8_queries.toml"
    ]
    assert _states(page)["MPBM 8"] == "study unfinished"


def test_a_failed_trial_ends_a_study_and_is_told(database: str) -> None:
    fail_one(question_study(database, "mpbm-q8-queries", keep=8))
    section = _section(build_questions(database), "mpbm-8")
    assert _warnings(section) == ["1 trial of mpbm-q8-queries did not finish: left out."]
    assert any(isinstance(block, Figure) for block in section.blocks)


def test_a_study_of_other_rows_says_which_it_lacks(database: str) -> None:
    design = {"kind": "ablation", "variants": {"FGSM": {"lr": 1e-4}}}
    full_study(database, spec=fake_spec(name="mpbm-q8-queries", baselines=[], design=design))
    page = build_questions(database)
    (warning,) = _warnings(_section(page, "mpbm-8"))
    assert "no finished trial of 'noise alone' (found: full, FGSM)" in warning
    assert _states(page)["MPBM 8"] == "rows missing"


def test_a_broken_sample_is_named_and_ends_no_page(database: str) -> None:
    study = question_study(database, "mpbm-q6-synthetic", seeds=(0, 1))
    broken = some_samples()
    broken["features"]["own_is_nearest"] = "<script>"
    trial = study.begin(_repeated(study))
    study.recorder.keep_samples(trial.trial_id, broken)
    (warning,) = _warnings(_section(build_questions(database), "mpbm-6"))
    assert "a stored sample is broken" in warning


def _repeated(study):  # type: ignore[no-untyped-def]
    from dgsearch.study.plan import plan_trials
    from tests.fakes import SPACES

    return plan_trials(study.spec, SPACES)[0]


def test_the_command_writes_one_file(database: str, tmp_path: Path) -> None:
    question_study(database, "augkd-q7-anchor-choice", seeds=(0, 1))
    output = tmp_path / "deep" / "q.html"
    ran = CliRunner().invoke(app, ["questions", "-o", str(output), "--database", database])
    assert ran.output == f"wrote {output}\n"
    text = output.read_text("utf-8")
    assert "<title>Open questions · dgsearch</title>" in text
    assert text.count('id="s2-mpbm-') == 9 * 2  # sections and their headings
