"""DomainBed's golden sweep: the means and errors that its own `collect_results` printed.

`domainbed_golden.json` holds the runs of `domainbed/misc/test_sweep_data` of DomainBed (MIT
licence, commit b93c22a), with accuracies to five digits; the expected numbers are those of
`test_sweep_results.txt` beside it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dgsearch.database.queries import read_curves, read_scores, read_trials
from dgsearch.errors import ImportedDataError
from dgsearch.importing.command import ImportRequest, import_lines
from dgsearch.importing.domainbed import domainbed_table, read_domainbed

GOLDEN = Path(__file__).parent / "domainbed_golden.json"
PRINTED = {
    "training-domain": ["98.0 +/- 0.2", "64.2 +/- 0.8", "74.1 +/- 0.4", "77.1 +/- 0.2"],
    "leave-one-out": ["96.9 +/- 1.0", "64.4 +/- 0.9", "70.5 +/- 0.5", "76.7 +/- 0.1"],
    "oracle-last": ["96.9 +/- 1.0", "65.9 +/- 0.5", "71.6 +/- 1.3", "76.9 +/- 0.3"],
}


def sweep_folder(folder: Path, runs: int | None = None) -> Path:
    """The golden sweep as DomainBed's folders."""
    for number, run in enumerate(json.loads(GOLDEN.read_text(encoding="utf-8"))[:runs]):
        place = folder / f"{number:02}"
        place.mkdir(parents=True)
        names = [f"env{index}_{split}_acc" for index in range(4) for split in ("in", "out")]
        records = [
            {
                "args": run["args"],
                "hparams": run["hparams"],
                "step": step,
                "loss": 0.5,
                **dict(zip(names, accuracies, strict=True)),
            }
            for step, accuracies in zip(run["steps"], run["acc"], strict=True)
        ]
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (place / "results.jsonl").write_text(lines, encoding="utf-8")
        (place / "done").write_text("done")
    return folder


def test_the_golden_sweep_gives_the_golden_numbers(database: str, tmp_path: Path) -> None:
    lines = list(import_lines(database, ImportRequest(sweep_folder(tmp_path / "sweep"))))
    assert lines[0].startswith("imported 40 trials into study 'domainbed-VLCS'")
    for rule, printed in PRINTED.items():
        at = lines.index(f"  {rule}:")
        found = [line.partition(": ")[2] for line in lines[at + 1 : at + 5]]
        assert found == [f"{text} (n = 2)" for text in printed]
    assert any("divides by n;" in line for line in lines)


def test_seeds_steps_and_domains_are_kept(database: str, tmp_path: Path) -> None:
    list(import_lines(database, ImportRequest(sweep_folder(tmp_path / "sweep", 2), study="vlcs")))
    trials = read_trials(database, "vlcs")
    assert trials["seed"].tolist() == [run["args"]["trial_seed"] for run in _golden()[:2]]
    assert trials["method"].tolist() == ["ERM", "ERM"]
    assert trials["lr"].tolist() == [run["hparams"]["lr"] for run in _golden()[:2]]
    assert {"accuracy/C", "accuracy/L", "accuracy/S", "accuracy/V"} <= set(trials)
    assert len(read_curves(database)) == 10
    scores = read_scores(database)
    assert set(scores["split"]) == {"train", "validation", "test"}
    (first, *_) = _golden()
    left_out = ",".join("CLSV"[index] for index in first["args"]["test_envs"])
    assert trials["test_envs"][0] == left_out
    of_first = scores[(scores["trial_number"] == 0) & (scores["split"] == "test")]
    assert set(of_first["domain"]) == set(left_out.split(","))


def _golden() -> list[dict[str, dict[str, object]]]:
    found: list[dict[str, dict[str, object]]] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return found


def test_a_run_that_did_not_end_has_failed(tmp_path: Path) -> None:
    folder = sweep_folder(tmp_path, 1)
    (folder / "00" / "done").unlink()
    (sweep,) = read_domainbed(folder)
    assert [trial.state for trial in sweep.trials] == ["FAIL"]


def test_what_was_imported_before_stays_as_it_is(database: str, tmp_path: Path) -> None:
    request = ImportRequest(sweep_folder(tmp_path / "sweep", 2))
    first = list(import_lines(database, request))
    before = read_trials(database)
    again = list(import_lines(database, request))
    assert again[0].endswith("has these 2 trials already; nothing was changed")
    assert again[1:] == first[1:]
    assert read_trials(database).equals(before)


def test_mistakes_are_named(database: str, tmp_path: Path) -> None:
    with pytest.raises(ImportedDataError, match=r"no folder in it has a results\.jsonl"):
        read_domainbed(tmp_path)
    folder = sweep_folder(tmp_path / "sweep", 1)
    list(import_lines(database, ImportRequest(folder)))
    with pytest.raises(
        ImportedDataError, match=r"is in .* already, with other trials; choose another name with"
    ):
        list(import_lines(database, ImportRequest(sweep_folder(tmp_path / "more", 2))))
    trials, scores = read_trials(database), read_scores(database)
    with pytest.raises(
        ImportedDataError, match="rule 'oracle': is unknown; allowed: training-dom"
    ):
        domainbed_table(trials, scores, rule="oracle")
    with (folder / "00" / "results.jsonl").open("a") as stream:
        stream.write("{broken\n")
    with pytest.raises(ImportedDataError, match=r"results\.jsonl: line 6 is no JSON"):
        read_domainbed(folder)
