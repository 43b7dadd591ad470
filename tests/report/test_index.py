from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dgsearch.errors import ReportError
from dgsearch.report import index as index_module
from dgsearch.report.index import write_all
from tests.fakes import FakeStudy, fake_spec, full_study
from tests.test_replies import Answered, answered

__all__ = ["answered"]  # the fixture


def test_every_study_has_a_page_and_a_row_that_leads_to_it(database: str, tmp_path: Path) -> None:
    full_study(database)
    full_study(database, spec=fake_spec(name="a b"))
    FakeStudy(database, fake_spec(name="a-b", question="<b>Why?</b>"))
    done = write_all(database, tmp_path / "all")
    text = done.index.read_text(encoding="utf-8")
    assert done.failed == {}
    assert {name: file.name for name, file in done.pages.items()} == {
        "fake": "fake.html",
        "a b": "a-b.html",
        "a-b": "a-b-2.html",
    }
    assert re.findall(r'<a href="([^"#]+)">(.*?)</a>', text) == [
        ("fake.html", "fake"),
        ("a-b.html", "a b"),
        ("a-b-2.html", "a-b"),
    ]
    assert all(file.is_file() for file in done.pages.values())
    assert "18/18" in text
    assert "0.540 (trial 2, highest)" in text
    assert "0.520 (n = 3, 95% 0.470 to 0.570)" in text  # 0.50, 0.52, 0.54: t(0.975; 2) = 4.303
    assert "&lt;b&gt;Why?&lt;/b&gt;" in text


def test_nothing_of_the_index_is_loaded_from_elsewhere(database: str, tmp_path: Path) -> None:
    full_study(database)
    text = write_all(database, tmp_path).index.read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="(?!#|data:)([^"]*)"', text) == ["fake.html"]
    (block,) = re.findall(r'id="numbers">(.*?)</script>', text)
    (study,) = json.loads(block)["studies"]
    assert (study["study"], study["page"], study["complete"]) == ("fake", "fake.html", 18)


def test_a_study_called_index_does_not_replace_the_index(database: str, tmp_path: Path) -> None:
    full_study(database, spec=fake_spec(name="Index"))
    done = write_all(database, tmp_path)
    assert done.pages["Index"].name == "Index-2.html"


def test_a_study_without_a_page_is_named_with_the_reason(
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answered: Callable[..., Answered],
) -> None:
    full_study(database)
    full_study(database, spec=fake_spec(name="broken"))
    whole = index_module.build_page

    def build(engine: object, names: list[str], **options: Any) -> object:
        if names == ["broken"]:
            raise ReportError("a row is <broken>")
        return whole(engine, names, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(index_module, "build_page", build)
    code, answer = answered("report", "--all", str(tmp_path / "all"), "--database", database)
    assert code == answer["exit_code"] == 1
    assert answer["result"]["failed"] == [{"study": "broken", "message": "a row is <broken>"}]
    names = [Path(page).name for page in answer["result"]["pages"]]
    assert names == ["index.html", "fake.html"]
    text = (tmp_path / "all" / "index.html").read_text(encoding="utf-8")
    assert "<strong>No page:</strong> a row is &lt;broken&gt;" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a study or several, or --all DIR for every one"),
        (["fake", "--all", "d"], "--all DIR takes no STUDY, no -o and no --objective"),
        (["--all", "d", "-o", "x.html"], "--all DIR takes no STUDY"),
    ],
)
def test_all_and_names_exclude_each_other(
    arguments: list[str], message: str, answered: Callable[..., Answered]
) -> None:
    code, answer = answered("report", *arguments)
    assert code == 2
    assert message in answer["error"]["message"]


def test_a_database_without_studies_has_no_index(database: str, tmp_path: Path) -> None:
    from dgsearch.database.connection import open_for_writing

    open_for_writing(database)
    with pytest.raises(ReportError, match="has no study; run one first"):
        write_all(database, tmp_path)
