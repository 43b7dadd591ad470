"""What the page computes for other settings, in Chromium, against Python's own sections.

Three studies, an ablation, a grid and a family; fifty random settings of their controls. What
Python says of a setting is its own section of the study with those trials, targets and epochs.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
import scipy
from selenium.webdriver.common.by import By

from dgsearch.analysis import comparison, domains, equivalence
from dgsearch.analysis.selection import finished
from dgsearch.analysis.statistics import detectable_difference, mean_interval
from dgsearch.database.connection import open_for_reading
from dgsearch.database.recorder import Ending
from dgsearch.database.studies import register_study
from dgsearch.report import write_report
from dgsearch.report.controls import LEVELS, controls_of
from dgsearch.report.given_teacher import teacher_sentences
from dgsearch.report.parts import Cell, Figure, Table
from dgsearch.report.sections.ablation import ablation_section, configuration_section
from dgsearch.report.sections.answer import answer_sentences
from dgsearch.report.sections.domains import domain_sections
from dgsearch.report.sections.family import family_sections
from dgsearch.report.study_data import read_study_data
from dgsearch.report.view import StudyView, study_view
from dgsearch.study.families import FAMILIES
from dgsearch.study.plan import plan_trials
from tests.browsers import MARKS, Browser, chromium
from tests.fakes import ABLATION, SPACES, FakeStudy, fake_facts, fake_spec
from tests.report.test_family_page import DESIGN

pytestmark = MARKS

SETTINGS = 50
TARGETS = ["photo", "street", "slanted"]
FEW = {"kind": "grid", "vary": {"lambda_adv": [0.0, 0.5, 1.0], "T": [1, 5]}}
STUDIES = {
    "ablation": {"design": ABLATION, "seeds": list(range(8)), "report": {"rope": 0.03}},
    "grid": {"design": FEW, "seeds": [0, 1, 2, 3]},
    "family": {"design": DESIGN, "method": "erm", "baselines": [], "seeds": list(range(18))},
}
RULES = ("recorded", "validation", "oracle")
TRAINED = {
    "erm": ["noise"],
    "mpbm": ["noise", "blur"],
}  # of the family: two sets judge its methods
# Of Python's sections: drawings and texts that the page does not compute.
_NOT_COMPARED: dict[str, Callable[..., Any]] = {
    "domains.domain_figure": lambda *_, **__: None,
    "domains._leading": lambda _, table: table,
    "domains.reported_blocks": lambda _: [],
    "domains.table_texts": lambda *_: {},
    "ablation.difference_figure": lambda *_, **__: None,
}
_READ = """
const article = document.getElementById(arguments[0]);
const cells = (row) => [...row.cells].map((cell) =>
  [cell.textContent, cell.dataset.v ?? null, Boolean(cell.querySelector("strong"))]);
const tables = {};
for (const table of article.querySelectorAll("table[data-name]")) {
  const parts = [table.tHead, table.tBodies[0]];
  tables[table.dataset.name] = parts.map((part) => [...part.rows].map(cells));
}
const answer = article.querySelector("section[id$='-answer'] > p:not([class])").textContent;
return [tables, answer];
"""


@dataclass(frozen=True)
class Setting:
    """What a reader chose; empty: as published."""

    study: str
    targets: tuple[str, ...]
    rule: str
    seeds: tuple[int, ...]
    level: int
    reference: str
    without: tuple[str, ...]

    def hash(self) -> str:
        """The end of the address."""
        own = {
            "targets": self.targets,
            "rule": (self.rule,),
            "seeds": self.seeds,
            "level": (self.level,),
            "reference": (self.reference,) if self.reference else (),
            "without": self.without,
        }
        place = list(STUDIES).index(self.study) + 1
        parts = [f"s{place}.{key}={','.join(quote(str(v)) for v in own[key])}" for key in own]
        return "&".join(part for part in parts if not part.endswith("="))


def _study(database: str, name: str) -> None:
    """Trials of four epochs that go up and down; one in fifteen is lost.

    Those of the family are scored under families of transformations too.
    """
    data = {"benchmark": "digits-mini", "source": ["scan"], "targets": TARGETS}
    study = FakeStudy(database, fake_spec(name=name, data=data, **STUDIES[name]))
    facts = fake_facts(study.spec) | {"families": TRAINED if name == "family" else {}}
    register_study(study.engine, study.spec, facts)
    random, augmented = np.random.default_rng(len(name)), np.random.default_rng(0)
    for trial in plan_trials(study.spec, SPACES):
        started = study.begin(trial)
        values = trial.configuration.values
        level = 0.55 + 0.01 * trial.seed - 0.1 * (values.get("attention") == "plain")
        level += 0.03 * float(values["lambda_adv"]) if "lambda_adv" in values else 0.0
        for epoch in range(1, 5):
            numbers = np.round(level + random.normal(0, 0.03, 4), 3)
            under = {
                family: float(np.round(level + augmented.normal(0.02 * place, 0.1), 3))
                for place, family in enumerate(FAMILIES if name == "family" else ())
            }
            accuracies = numbers[1:].tolist()
            study.report(started.trial_id, epoch, float(numbers[0]), accuracies, families=under)
        lost = random.random() < 1 / 15 and trial.seed > 0
        ending = (
            Ending("FAIL", "failed", error_type="E", error="a")
            if lost
            else Ending("COMPLETE", "finished", value=float(numbers[0]), selected_epoch=4)
        )
        study.recorder.end(started.trial_id, ending)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("controls") / "study.db"
    for name in STUDIES:
        _study(f"sqlite:///{file}", name)
    return file


@pytest.fixture(scope="module")
def views(database: Path) -> dict[str, StudyView]:
    engine = open_for_reading(database)
    return {name: study_view(read_study_data(engine, name), {}) for name in STUDIES}


@pytest.fixture(scope="module")
def page(database: Path) -> str:
    return write_report(database, list(STUDIES), database.parent / "page.html").as_uri()


@pytest.fixture(scope="module")
def driver(page: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile"), browser="ALL") as found:
        found.get(page)
        yield found


def _group(view: StudyView) -> str:
    return "method" if view.design.one_a_method else "config_id"


def _draw(random: np.random.Generator, views: dict[str, StudyView]) -> Setting:
    """A setting under which something is left to compare."""
    study = str(random.choice(list(STUDIES)))
    view = views[study]

    def some(items: list[Any], least: int) -> tuple[Any, ...]:
        count = random.integers(least, len(items) + 1)
        return tuple(items[n] for n in sorted(random.permutation(len(items))[:count]))

    groups = list(dict.fromkeys(view.done[_group(view)]))
    published = view.facts.method if view.design.one_a_method else str(view.reference)
    reference = str(random.choice(groups)) if random.random() < 0.4 else published
    out = [name for name in groups if name != reference and random.random() < 0.15]
    seeds = sorted(int(seed) for seed in view.done["seed"].unique())
    rules = (*RULES, "augmented") if study == "family" else RULES
    return Setting(
        study, some(TARGETS, 1), str(random.choice(rules)), some(seeds, 2),
        int(random.choice(LEVELS)), "" if reference == published else reference, tuple(out),
    )  # fmt: skip


def _restricted(view: StudyView, setting: Setting) -> StudyView:
    """The study as if it had these trials, targets and epochs only."""
    trials = view.trials[view.trials["seed"].isin(setting.seeds)]
    trials = trials[~trials[_group(view)].isin(setting.without)]
    targets = list(setting.targets)
    if setting.rule != "recorded":
        epochs = view.epochs.assign(oracle=view.epochs[targets].mean(axis=1))
        by = epochs.groupby("trial_number")[setting.rule]
        picked = epochs.loc[by.idxmax()].set_index("trial_number")
        columns = {f"accuracy/{name}": name for name in targets} | {"value": setting.rule}
        numbers = {to: trials["trial_number"].map(picked[of]) for to, of in columns.items()}
        trials = trials.assign(**numbers)
    data = view.data
    if setting.reference and view.design.one_a_method:
        spec = view.spec.model_copy(update={"method": setting.reference})
        data = replace(data, facts=replace(data.facts, spec=spec))
    return replace(view, data=data, trials=trials, targets=targets)


def _table(section: Any, name: str) -> Table:
    tables = [block.table for block in section.blocks if isinstance(block, Figure)]
    tables += [block for block in section.blocks if isinstance(block, Table)]
    return next(table for table in tables if table.name == name)


def _intervals(level: float, frame: pd.DataFrame, by: list[str], column: str) -> pd.DataFrame:
    rows = [
        {by[0]: name, **mean_interval(own[column].tolist(), level=level)._asdict()}
        for name, own in frame.groupby(by[0], sort=False)
    ]
    return pd.DataFrame(rows)


_equivalence_of_95 = equivalence.equivalence_p


def _equivalence_p(level: float, compared: pd.DataFrame, *, rope: float) -> Any:
    """Python reads the standard error from an interval of 95%."""
    freedom = np.maximum(compared["pairs"] - 1, 1)
    factor = scipy.stats.t.ppf(0.975, freedom) / scipy.stats.t.ppf((1 + level) / 2, freedom)
    middle = compared["difference"]
    ends = {name: middle + (compared[name] - middle) * factor for name in ("low", "high")}
    return _equivalence_of_95(compared.assign(**ends), rope=rope)


def _expected(view: StudyView, setting: Setting) -> tuple[dict[str, Table], str]:
    """The tables of Python's sections under a setting, and its sentences; empty: no claim."""
    level = setting.level / 100
    alpha = (100 - setting.level) / 100
    with pytest.MonkeyPatch.context() as patch:
        of_level = functools.partial(mean_interval, level=level)
        detectable = functools.partial(detectable_difference, level=alpha)
        patch.setattr(comparison, "mean_interval", of_level)
        patch.setattr(comparison, "detectable_difference", detectable)
        patch.setattr(domains, "intervals_by", functools.partial(_intervals, level))
        patch.setattr("dgsearch.report.sentences.mean_interval", of_level)
        parts = answer_sentences.__globals__["_PARTS"]
        patch.setitem(parts, "ranges", lambda _: [])  # the page leaves them out
        patch.setattr("dgsearch.report.sentences.LEVEL", alpha)
        patch.setattr(comparison, "LEVEL", alpha)
        patch.setattr(equivalence, "LEVEL", alpha)
        patch.setattr(equivalence, "equivalence_p", functools.partial(_equivalence_p, level))
        for name, nothing in _NOT_COMPARED.items():
            patch.setattr(f"dgsearch.report.sections.{name}", nothing)
        own = _restricted(view, setting)
        section = next(domain_sections(own))
        found = {name: _table(section, name) for name in ("domains", "domains-numbers")}
        asked = own
        if setting.reference and not view.design.one_a_method:
            asked = _restricted(view, setting)
            vars(asked)["reference"] = setting.reference
        name = "family" if view.design.one_a_method else "comparison"
        own_section = {"ablation": ablation_section, "grid": configuration_section}
        for compared in own_section.get(setting.study, family_sections)(asked):
            found[name] = _table(compared, name)
        plain = not (setting.reference and not view.design.one_a_method) and name in found
        told = [*teacher_sentences(asked), *answer_sentences(asked)] if plain else []
    return found, " ".join(told)


def _in_words(text: str, setting: Setting) -> str:
    """Python's words, which know the level 95% and the study's own rule alone."""
    oracle = {"by validation": "by the targets", "the validation split chose": "the targets chose"}
    for old, new in (oracle if setting.rule == "oracle" else {}).items():
        text = text.replace(old, new).replace("that the validation split", "that the targets")
    alpha = f"{(100 - setting.level) / 100:.2g}"
    return text.replace("95%", f"{setting.level}%").replace(
        "p is below 0.05", f"p is below {alpha}"
    )


def _number(cell: str | Cell) -> float | None:
    return cell.number if isinstance(cell, Cell) else None


def _check(table: Table, shown: list[Any], setting: Setting) -> None:
    (head,), rows = shown
    oracle = "targets" if setting.rule == "oracle" else "validation"
    headings = [_in_words(text, setting) for text in table.headings]
    if table.name == "family":
        headings = [text.replace("validation", oracle) for text in headings]
    if setting.reference and headings[-1] == "reported difference":
        headings.pop()  # the paper's is to its own full method
    assert [cell[0] for cell in head] == headings
    columns = len(headings)
    assert len(rows) == len(table.rows)
    for expected, found in zip(table.rows, rows, strict=True):
        for wanted, (text, number, bold) in zip(expected[:columns], found, strict=True):
            plain = wanted.text if isinstance(wanted, Cell) else wanted
            assert text == _in_words(plain, setting), (table.name, [cell[0] for cell in found])
            known = _number(wanted)
            if known is None or math.isnan(known):
                assert number is None
            else:
                assert float(number) == pytest.approx(known, rel=1e-9, abs=1e-9)
            assert bold == (isinstance(wanted, Cell) and wanted.bold)


def _ask(driver: Browser, setting: Setting) -> tuple[dict[str, Any], str]:
    place = list(STUDIES).index(setting.study) + 1
    driver.execute_async_script(
        "const done = arguments[1]; addEventListener('hashchange', () => done(), {once: true});"
        "location.hash = arguments[0]",
        setting.hash(),
    )
    tables, answer = driver.execute_script(_READ, f"s{place}")
    return tables, answer


def test_fifty_random_settings_are_what_python_says(
    driver: Browser, views: dict[str, StudyView]
) -> None:
    random = np.random.default_rng(7)
    answers, rules, met, verdicts = 0, set(), set(), set()
    drawn = [_draw(random, views) for _ in range(SETTINGS)]
    for setting in sorted(drawn, key=lambda each: each.study):  # the others stay as published
        tables, answer = _ask(driver, setting)
        expected, told = _expected(views[setting.study], setting)
        for name, table in expected.items():
            _check(table, tables[name], setting)
        if told:
            answers += 1
            assert " ".join(answer.split()).startswith(" ".join(_in_words(told, setting).split()))
        verdicts |= {cell[0] for row in tables.get("comparison", [[], []])[1] for cell in row}
        rules.add(setting.rule)
        met.add((setting.study, setting.level))
    assert answers > SETTINGS / 2  # what was checked is about something
    assert rules == {*RULES, "augmented"}
    assert len(met) == 9
    assert verdicts >= {"equivalent", "open"}
    assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_block_holds_every_finished_trial_to_its_last_digit(
    views: dict[str, StudyView],
) -> None:
    view = views["ablation"]
    block = controls_of(view).block
    done = finished(view.trials)
    rule = block["rules"][0]
    for place, target in enumerate(TARGETS):
        numbers = [block["numbers"][n] for n in rule["targets"][place]]
        assert numbers == done[f"accuracy/{target}"].tolist()
    assert [block["numbers"][n] for n in rule["value"]] == done["value"].tolist()


def test_as_published_brings_the_page_back_to_the_letter(driver: Browser, page: str) -> None:
    text = (
        "return [...document.querySelectorAll("
        "'#s1 p, #s1 .changed, #s1 th, #s1 td, #s1 figcaption')]"
        ".filter((item) => item.checkVisibility()).map((item) => item.innerText).join('\\n')"
    )
    driver.get("about:blank")
    driver.get(page)
    before = driver.execute_script(text)
    address = driver.current_url
    driver.execute_script("document.querySelector('#s1 details.controls').open = true")
    driver.find_element(By.CSS_SELECTOR, "#s1 .controls input[type=checkbox]").click()
    changed = driver.execute_script(text)
    assert "s1.targets=street,slanted" in driver.current_url
    assert "mean accuracy over street and slanted" in changed
    assert "Shown for other settings than published: targets street and slanted." in changed
    driver.find_element(By.CSS_SELECTOR, "#s1 .changed button").click()
    driver.execute_script("document.querySelector('#s1 details.controls').open = false")
    assert driver.execute_script(text) == before
    assert driver.current_url.rstrip("#") == address


def test_a_link_shows_what_its_sender_saw_and_sections_that_do_not_follow_say_so(
    driver: Browser, page: str
) -> None:
    driver.get("about:blank")
    driver.get(f"{page}#s2-domains&s2.seeds=0,2&s2.level=90&s2.without=unknown&s2.targets=gone")
    shown = driver.execute_script(
        "return [...document.querySelectorAll('#s2 section')].map((section) => "
        "[section.id, section.querySelector('.changed, .apart').innerText, "
        "section.querySelector('.changed, .apart').className])"
    )
    follow = {name for name, text, kind in shown if kind == "changed" and "seeds 0 and 2" in text}
    assert follow == {"s2-answer", "s2-domains", "s2-configurations"}
    rest = [text for name, text, kind in shown if name not in follow]
    assert rest
    assert all("does not follow the controls" in text for text in rest)
    assert "90% interval" in driver.find_element(By.CSS_SELECTOR, "#s2-answer p:not([class])").text
    hidden = "return [...document.querySelectorAll('#s1 .apart')].every((note) => note.hidden)"
    assert driver.execute_script(hidden)  # each study has settings of its own
    driver.execute_script("document.querySelector('nav a[href=\"#s2-trials\"]').click()")
    driver.execute_async_script("setTimeout(arguments[0], 200)")
    assert driver.current_url.endswith("#s2-trials&s2.seeds=0,2&s2.level=90")


def test_the_figure_shows_the_numbers_of_its_table(driver: Browser, page: str) -> None:
    driver.get("about:blank")
    driver.get(f"{page}#s1-ablation&s1.seeds=1,2,3,5&s1.targets=street")
    found = driver.execute_async_script(
        "const done = arguments[0], plot = document.querySelector('#s1-ablation .plot');"
        "const wait = () => plot.data && plot.data[1].x.length ? done([plot.data[1], "
        "[...plot.closest('figure').querySelector('tbody').rows].map((row) => "
        "[row.cells[0].textContent, row.cells[5].dataset.v])]) : setTimeout(wait, 50); wait();"
    )
    trace, rows = found
    drawn = dict(zip(trace["y"], trace["x"], strict=True))
    assert drawn == {name: pytest.approx(float(v)) for name, v in rows if v is not None}
    assert len(drawn) == 3
