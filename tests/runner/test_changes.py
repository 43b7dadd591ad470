"""`dgsearch delete` and `rename` as a user meets them."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from typer.testing import CliRunner

from dgsearch.cli import app
from dgsearch.trainable.checkpoint import trial_folder
from dgsearch.trainable.store import Store
from tests.fakes import fake_spec, full_study, rich_study

runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path, database: str) -> Path:
    """Artifacts of a study of 20 trials: a checkpoint, its stage `k`, and the stage of nobody."""
    rich_study(database).engine.dispose()
    place = tmp_path / "artifacts"
    checkpoint = trial_folder(place, "rich", 3)
    checkpoint.mkdir(parents=True)
    (checkpoint / "checkpoint.safetensors").write_bytes(b"x")
    for key in ("k", "other"):
        Store(place / "stages").save(key, {}, {"stage": "pretrain", "seconds": 1.0})
    return place


def _call(folder: Path, database: str, *words: str, answer: str | None = None) -> tuple[int, str]:
    arguments = [*words, "--database", database, "--artifacts", str(folder)]
    result = runner.invoke(app, arguments, input=answer)
    return result.exit_code, result.output


def test_delete_says_what_goes_and_leaves_it_without_a_yes(folder: Path, database: str) -> None:
    code, shown = _call(folder, database, "delete", "rich", answer="n\n")
    assert code == 1
    assert "trials       20 (18 COMPLETE, 1 FAIL, 1 PRUNED)" in shown
    assert "55 reports" in shown  # 18 trials of three epochs and one of one
    assert f"checkpoints  1 folder in {folder / 'trials' / 'rich'}" in shown
    assert "stages       none is deleted; 1 stored stage" in shown
    assert optuna.get_all_study_names(database) == ["rich"]
    assert trial_folder(folder, "rich", 3).exists()


@pytest.mark.parametrize(("words", "answer"), [((), "y\n"), (("--yes",), None)])
def test_delete_deletes_rows_and_checkpoints_and_keeps_stages(
    folder: Path, database: str, words: tuple[str, ...], answer: str | None
) -> None:
    code, shown = _call(folder, database, "delete", "rich", *words, answer=answer)
    assert (code, shown.splitlines()[-1]) == (0, "deleted study 'rich'")
    assert optuna.get_all_study_names(database) == []
    assert not trial_folder(folder, "rich", 3).parent.exists()
    assert {stored.key for stored in Store(folder / "stages").listed()} == {"k", "other"}


@pytest.mark.parametrize("name", [".", ".."])
def test_delete_deletes_nothing_outside_the_studys_own_folder(
    folder: Path, database: str, name: str
) -> None:
    full_study(database, spec=fake_spec(name=name)).engine.dispose()
    code, _ = _call(folder, database, "delete", name, "--yes")
    assert code == 0
    assert trial_folder(folder, "rich", 3).exists()
    assert {stored.key for stored in Store(folder / "stages").listed()} == {"k", "other"}


def test_rename_takes_the_checkpoints_along(folder: Path, database: str) -> None:
    code, shown = _call(folder, database, "rename", "rich", "richer", answer="y\n")
    assert code == 0
    assert "write name = 'richer' in its study file" in shown
    assert optuna.get_all_study_names(database) == ["richer"]
    assert trial_folder(folder, "richer", 3).exists()
    assert not trial_folder(folder, "rich", 3).exists()


def test_rename_asks_first(folder: Path, database: str) -> None:
    code, _ = _call(folder, database, "rename", "rich", "richer", answer="n\n")
    assert code == 1
    assert optuna.get_all_study_names(database) == ["rich"]


def test_a_database_that_is_not_there_is_not_created(tmp_path: Path) -> None:
    file = tmp_path / "none.db"
    result = runner.invoke(app, ["delete", "x", "--yes", "--database", str(file)])
    assert result.exit_code != 0
    assert not file.exists()


def test_a_study_file_of_the_deleted_study_begins_anew(folder: Path, database: str) -> None:
    _call(folder, database, "delete", "rich", "--yes")
    again = full_study(database)
    assert len(again.frame()) == 18
