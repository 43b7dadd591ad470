from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from dgsearch.cli import app, main
from dgsearch.database.recorder import Ending
from tests.fakes import FakeStudy, full_study, planned

COMMANDS = ["run", "plan", "status", "report", "export", "data", "methods"]
runner = CliRunner()


class Ran(NamedTuple):
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def dgsearch(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Ran]:
    """The command line in this process, in an empty folder."""

    def call(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["dgsearch", *arguments])
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return Ran(int(ended.value.code or 0), output.out, output.err)

    return call


def test_help_names_every_command() -> None:
    shown = runner.invoke(app, ["--help"]).output
    assert [name for name in COMMANDS if not re.search(rf"\b{name}\b", shown)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_text(command: str) -> None:
    shown = runner.invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "none.toml"], "dgsearch: none.toml: file: does not exist; check the path"),
        (["plan", "none.toml"], "none.toml: file: does not exist"),
        (["status", "--database", "none.db"], "there is no file none.db; run a study first"),
        (["report", "x", "--database", "none.db"], "there is no file none.db"),
        (["export", "x", "-o", "t.csv", "--database", "none.db"], "there is no file none.db"),
        (["judge", "x", "--database", "none.db"], "there is no file none.db"),
        (["judge", "x", "--proposal", "T=3", "--database", "none.db"], "there is no file none.db"),
        (["judge", "x", "--proposal", "T=3", "--max-seeds", "5"], "--max-seeds = 5: must be one"),
        (
            ["methods", "mpbn"],
            "method 'mpbn' is unknown; allowed: mpbm, augkd, ",
        ),
        (
            ["data", "--root", "x"],
            "--root x: of which benchmark is it the folder? name it: dgsearch data BENCHMARK",
        ),
        (["stages", "list", "--artifacts", "x"], "x/stages; run a study first, or name its"),
        (["stages", "verify", "--artifacts", "x"], "there is no folder"),
        (["stages", "prune", "--keep-gb", "1", "--artifacts", "x"], "there is no folder"),
        (
            ["data", "digit"],
            "benchmark 'digit' is unknown; allowed: digits, digits-dg, digits-mini, ",
        ),
    ],
)
def test_a_mistake_is_one_block_and_exit_code_2(
    arguments: list[str], message: str, tmp_path: Path, dgsearch: Callable[..., Ran]
) -> None:
    ran = dgsearch(*arguments)
    assert ran.returncode == 2
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_version_is_that_of_the_package(dgsearch: Callable[..., Ran]) -> None:
    ran = dgsearch("--version")
    assert ran.returncode == 0
    assert re.fullmatch(r"dgsearch \d+\.\d+\.\d+\n", ran.stdout)


def test_an_unknown_study_names_the_database(database: str, dgsearch: Callable[..., Ran]) -> None:
    full_study(database)
    for command in (["status", "fak"], ["report", "fak"], ["export", "fak", "-o", "t.csv"]):
        ran = dgsearch(*command, "--database", database)
        assert ran.returncode == 2
        assert (
            f"study 'fak' is not in {database}; allowed: fake; did you mean 'fake'?" in ran.stderr
        )


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("mysql://me@host/x", "pip install 'dgsearch[mysql]' and write mysql+pymysql://"),
        ("postgresql+psycopg2://me@host/x", "pip install 'dgsearch[postgres]' and write"),
        ("oracle://me@host/x", "install a driver of SQLAlchemy for oracle"),
    ],
)
def test_a_missing_driver_is_that_of_the_database_asked_for(
    url: str, remedy: str, dgsearch: Callable[..., Ran]
) -> None:
    ran = dgsearch("status", "--database", url)
    assert ran.returncode == 2
    assert "its driver is not installed" in ran.stderr
    assert remedy in ran.stderr


def test_a_hyperparameter_set_at_the_top_is_told_its_place(dgsearch: Callable[..., Ran]) -> None:
    study = Path(__file__).parents[1] / "studies" / "demo_mpbm.toml"
    ran = dgsearch("plan", str(study), "--set", "epochs=1")
    assert ran.returncode == 2
    assert "epochs: unknown key; did you mean hyperparameters.epochs?" in ran.stderr


def test_an_unreachable_database_hides_its_password(dgsearch: Callable[..., Ran]) -> None:
    url = "postgresql+psycopg://me:secret@127.0.0.1:1/x"
    ran = dgsearch("status", "--database", url)
    assert ran.returncode == 2
    assert "me:***@127.0.0.1:1" in ran.stderr
    assert "secret" not in ran.stderr + ran.stdout


def test_status_shows_counts_best_and_age(database: str, dgsearch: Callable[..., Ran]) -> None:
    study = full_study(database)
    study.begin(planned(T=99))
    shown = dgsearch("status", "--database", database).stdout
    assert "18/18" in shown
    assert "0.540 (trial 2, highest)" in shown
    assert "s ago" in shown


def test_status_does_not_count_a_failed_trial_that_was_tried_again(
    database: str, dgsearch: Callable[..., Ran]
) -> None:
    study = FakeStudy(database)
    for trial in (planned(T=5), planned(T=7)):
        begun = study.begin(trial)
        study.recorder.end(begun.trial_id, Ending("FAIL", "failed", error_type="E"))
    study.complete(planned(T=5), 0.5)
    shown = dgsearch("status", "fake", "--database", database).stdout
    (row,) = [line for line in shown.splitlines() if line.startswith("│")]
    assert [cell.strip() for cell in row.split("│")][3:7] == ["1/18", "0", "0", "1"]


def test_report_and_export_say_what_they_wrote(
    database: str, tmp_path: Path, dgsearch: Callable[..., Ran]
) -> None:
    full_study(database)
    ran = dgsearch("report", "fake", "--database", database)
    assert ran.stdout == "wrote reports/fake.html\n"
    assert (tmp_path / "reports" / "fake.html").exists()
    ran = dgsearch("export", "fake", "-o", "t.parquet", "--database", database)
    assert ran.stdout == "wrote t.parquet\n"


def test_methods_lists_stages_and_hyperparameters(dgsearch: Callable[..., Ran]) -> None:
    shown = dgsearch("methods").stdout
    assert "pretrain > correlation > mpbm" in shown
    own = dgsearch("methods", "mpbm").stdout
    for text in ("λ_adv", "λ_mix", "N_b", "the paper", "source/train"):
        assert text in own


def test_data_counts_every_domain(dgsearch: Callable[..., Ran]) -> None:
    shown = dgsearch("data", "digits-mini").stdout
    assert re.search(r"scan\s+1197", shown)
    assert re.search(r"photo\s+600", shown)


def test_plan_says_what_is_shared(tmp_path: Path, dgsearch: Callable[..., Ran]) -> None:
    study = Path(__file__).parents[1] / "studies" / "demo_mpbm.toml"
    shown = dgsearch("plan", str(study)).stdout
    assert re.search(r"trials +\d+ planned: \d+ of points, 2 of baselines; 0 have ended", shown)
    assert re.search(r"pretrain: needed \d+ times, trained 2 times \(0 stored\)", shown)
    assert "power      2 seeds cannot reach p < 0.05" in shown
    assert "power      unknown: no two configurations of 'demo-mpbm' have finished" in shown
    assert "time       unknown: no trial of mpbm and erm on digits-mini has finished" in shown
    assert list(tmp_path.iterdir()) == []


def test_plan_shares_the_teacher_among_the_points_of_a_ramp_grid(
    tmp_path: Path, dgsearch: Callable[..., Ran]
) -> None:
    study = Path(__file__).parents[1] / "studies" / "augkd_grid.toml"
    shown = dgsearch("plan", str(study)).stdout
    for stage, trained in (("teacher", 3), ("data_free", 3), ("anchor", 6)):  # one kind is none
        assert f"{stage}: needed 81 times, trained {trained} times (0 stored)" in shown
    assert list(tmp_path.iterdir()) == []


def test_help_imports_nothing_that_is_slow() -> None:
    heavy = {"torch", "ray", "pandas", "optuna"}
    code = f"import dgsearch.cli, sys; print(sorted({heavy} & set(sys.modules)))"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"  # what takes seconds to import


@pytest.mark.parametrize("rope", ["0", "-1", "inf", "nan"])
def test_a_region_of_equivalence_has_a_width(rope: str, dgsearch: Callable[..., Ran]) -> None:
    ran = dgsearch("report", "any", "--rope", rope)
    assert ran.returncode == 2
    assert "is no width; give a number above 0" in " ".join(ran.stderr.split())
