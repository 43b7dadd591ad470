"""A study run from a script: quiet, watched, its process as it was, its frames at hand."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import warnings
from pathlib import Path

import pytest

from dgsearch.runner.embedding import TrialEvent, unchanged_process
from dgsearch.trainable.captured_warnings import capture_warnings
from tests import warm
from tests.chaos.sleeper import with_sleeper

SCRIPT = """
import json, logging, os, signal, sys, time

import dgsearch


def state():
    root = logging.getLogger()
    loggers = [root, logging.getLogger("mine"), logging.getLogger("dgsearch")]
    return {
        "environment": dict(os.environ),
        "signals": [str(signal.getsignal(s)) for s in (signal.SIGINT, signal.SIGTERM)],
        "hook": sys.excepthook is sys.__excepthook__,
        "loggers": [[x.level, len(x.handlers), x.propagate, x.disabled] for x in loggers],
    }


logging.getLogger("mine").setLevel(logging.DEBUG)
logging.basicConfig(filename="log.txt", level=logging.INFO, format="%(name)s %(message)s")
events = []


def broken(event):
    raise ValueError("of a stranger")


spec = dgsearch.StudySpec(
    name="embedded",
    method="sleeper",
    seeds=[0, 1],
    data={"benchmark": "digits-mini", "source": ["scan"], "targets": ["photo"]},
    hyperparameters={"epochs": 2},
    design={"kind": "grid", "vary": {"x": [0.25, 0.75]}},
    resources={"concurrent": 1},
)
options = dgsearch.RunOptions(database="study.db", artifacts="artifacts")
before = state()
outcome = dgsearch.run_study(spec, options, progress=False, callbacks=[events.append, broken])
after = state()
told = {
    "before": before,
    "after": after,
    "ray": logging.getLogger("ray.tune").level,
    "exit_code": outcome.exit_code,
    "trials": len(outcome.trials()),
    "curves": len(outcome.curves()),
    "targets": sorted(outcome.scores().query("split == 'test'")["domain"].unique()),
    "warnings": outcome.trials()["warnings"].tolist(),
    "events": [[event.kind, event.stop_reason] for event in events],
    "study_file": dgsearch.open_study("study.db").facts.facts["study_file"],
    "toml": spec.to_toml(),
    "again": dgsearch.run_study(spec, options, progress=False).started,
}
with open("told.json", "w") as file:
    json.dump(told, file)
time.sleep(13)  # the guard of Ray's processes leaves the script alone
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_script_runs_a_study_quietly_and_finds_its_process_as_it_was(tmp_path: Path) -> None:
    environment = with_sleeper(tmp_path / "plugin")
    plugin = tmp_path / "plugin" / "sleeper.py"
    sleeps = "        time.sleep(self.sleep)\n"
    warns = (
        "        import logging, warnings\n"
        "        warnings.warn('an odd batch')\n"
        "        logging.getLogger('sleeper').warning('few images')\n"
    )
    plugin.write_text(plugin.read_text().replace(sleeps, warns + sleeps))
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "script"]
    ran = warm.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    told = json.loads((tmp_path / "told.json").read_text())
    assert ran.stdout == ""
    assert told["after"] == told["before"]
    assert told["ray"] == logging.NOTSET
    assert (told["exit_code"], told["trials"], told["curves"], told["again"]) == (0, 4, 8, 0)
    assert told["targets"] == ["photo"]
    assert told["study_file"] == told["toml"]
    expected = {"UserWarning: an odd batch", "few images"}
    assert [set(text.splitlines()) for text in told["warnings"]] == [expected] * 4
    kinds = [kind for kind, _ in told["events"]]
    assert (kinds.count("began"), kinds.count("ended")) == (4, 4)
    assert [reason for kind, reason in told["events"] if kind == "ended"] == ["finished"] * 4
    log = (tmp_path / "log.txt").read_text()
    assert log.count(": few images\n") == 1  # each text is told once
    assert log.count("dgsearch.runner.search trial ") == 4 + 4 + 2
    assert "ValueError: of a stranger" in log


def test_what_a_run_changes_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAYS", "1")
    monkeypatch.setenv("GOES", "1")
    handler, known = logging.NullHandler(), logging.getLogger("tests.known")
    known.setLevel(logging.INFO)
    interrupt, filters = signal.getsignal(signal.SIGINT), list(warnings.filters)

    def interrupted() -> None:
        with unchanged_process():
            os.environ["STAYS"], os.environ["NEW"] = "2", "1"
            del os.environ["GOES"]
            known.setLevel(logging.CRITICAL)
            known.addHandler(handler)
            logging.getLogger("ray.tests").setLevel(logging.CRITICAL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            warnings.simplefilter("ignore")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (os.environ["STAYS"], os.environ["GOES"], "NEW" in os.environ) == ("1", "1", False)
    assert (known.level, known.handlers) == (logging.INFO, [])
    assert logging.getLogger("ray.tests").level == logging.NOTSET
    assert signal.getsignal(signal.SIGINT) is interrupt
    assert list(warnings.filters) == filters


def test_warnings_are_kept_once_and_those_for_programmers_are_not() -> None:
    texts: dict[str, None] = {}
    with capture_warnings(texts):
        for _ in range(2):
            warnings.warn("odd\nbatch", UserWarning, stacklevel=1)
        warnings.warn("old name", DeprecationWarning, stacklevel=1)
        logging.getLogger("mine").warning("few %s", "images")
        logging.getLogger("mine").info("an epoch")
        logging.getLogger("ray.tune").warning("slow")
    assert sorted(texts) == ["UserWarning: odd batch", "few images"]


def test_an_event_says_what_happened() -> None:
    assert TrialEvent("began", "s", 3) == TrialEvent(kind="began", study="s", trial=3)
