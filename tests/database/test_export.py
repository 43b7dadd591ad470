"""Files: what is written comes back, and tables hold nothing that is markup."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dgsearch.database.export import write_frame
from dgsearch.database.frames import STATE, describe_frames
from dgsearch.database.queries import read_scores, read_trials
from dgsearch.errors import DatabaseError
from dgsearch.notebook.export import WHAT, export_frames
from tests.fakes import FakeStudy, full_study, planned


def every_kind() -> pd.DataFrame:
    """One column of each dtype that frames have, each with a missing value."""
    return pd.DataFrame(
        {
            "text": pd.array(["a|b", None, 'λ "q"\n2'], dtype="string"),
            "whole": pd.array([2**60, None, -1], dtype="Int64"),
            "truth": pd.array([True, None, False], dtype="boolean"),
            "number": [1.5, np.nan, np.inf],
            "count": pd.Series([1, 2, 3], dtype="int64"),
            "state": pd.Categorical(["FAIL", None, "COMPLETE"], dtype=STATE),
            "time": pd.to_datetime(["2026-01-31 12:00:00.123456", None, None], utc=True),
            "mixed": pd.Series([[1, "x"], pd.NA, {"a": 0.5}], dtype=object),
        }
    ).astype({"time": "datetime64[us, UTC]"})


def test_parquet_keeps_every_dtype(tmp_path: Path) -> None:
    frame = every_kind()
    back = pd.read_parquet(write_frame(frame, tmp_path / "t.parquet"))
    pd.testing.assert_frame_equal(back.drop(columns="mixed"), frame.drop(columns="mixed"))
    assert back["mixed"].dtype == object
    assert back["mixed"].tolist() == ['[1, "x"]', None, '{"a": 0.5}']


def test_chunks_make_the_same_parquet_file_as_the_frame(database: str, tmp_path: Path) -> None:
    full_study(database)
    chunks = read_scores(database, chunksize=50)
    back = pd.read_parquet(write_frame(chunks, tmp_path / "t.parquet"))
    pd.testing.assert_frame_equal(back, read_scores(database))


def test_csv_has_one_header_and_every_row(tmp_path: Path) -> None:
    frame = every_kind()
    file = write_frame([frame.iloc[:2], frame.iloc[2:]], tmp_path / "t.csv")
    back = pd.read_csv(file)
    assert back.columns.tolist() == frame.columns.tolist()
    assert back["number"].tolist() == pytest.approx([1.5, np.nan, np.inf], nan_ok=True)
    assert back["text"].tolist()[2] == 'λ "q"\n2'
    assert back["mixed"].tolist()[0] == '[1, "x"]'


def test_tables_escape_what_is_markup(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a_b": ["50% & more | `x` <b>*"], "n": [0.123456], "none": [np.nan]})
    markdown = write_frame(frame, tmp_path / "t.md").read_text(encoding="utf-8")
    assert markdown.splitlines() == [
        "| a_b | n |",
        "| --- | --- |",
        "| 50% & more \\| \\`x\\` &lt;b>\\* | 0.1235 |",
    ]
    latex = write_frame(frame, tmp_path / "t.tex").read_text(encoding="utf-8")
    assert r"a\_b" in latex
    assert r"50\% \& more" in latex
    assert "none" not in latex


def test_tables_obey_nothing_and_link_to_nothing(tmp_path: Path) -> None:
    frame = pd.DataFrame({"[a](b)": [r"[9cm] \input{x}", "see https://x.org [y](z)\x1b[2J"]})
    assert write_frame(frame, tmp_path / "t.md").read_text(encoding="utf-8").splitlines() == [
        r"| \[a\](b) |",
        "| --- |",
        r"| \[9cm\] \\input{x} |",
        r"| see https\://x.org \[y\](z)\\x1b\[2J |",
    ]
    written = write_frame(frame, tmp_path / "t.tex").read_text(encoding="utf-8")
    assert r"{[}9cm{]} \textbackslash{}input\{x\}" in written
    assert "{[}a{]}(b)" in written


def test_csv_cells_that_a_spreadsheet_would_execute_are_guarded(tmp_path: Path) -> None:
    texts = ["=1+1", "-2", "@x", None]
    frame = pd.DataFrame(
        {
            "=text": pd.array(texts, dtype="string"),
            "kind": pd.Categorical(["+a", "b", "b", None]),
            "number": [-1.5, 2.0, 3.0, 4.0],
            "mixed": pd.Series(["=x", -1, None, None], dtype=object),
        }
    )
    guarded = write_frame(frame, tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()
    assert guarded[0] == "'=text,kind,number,mixed"
    assert guarded[1] == '\'=1+1,\'+a,-1.5,"""=x"""'
    assert guarded[2:] == ["-2,b,2.0,-1", "'@x,b,3.0,null", ",,4.0,null"]
    plain = write_frame(frame, tmp_path / "t.csv", formulas=True).read_text(encoding="utf-8")
    assert plain.splitlines()[1] == '=1+1,+a,-1.5,"""=x"""'


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def broken() -> object:
        yield describe_frames()
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError, match="went away"):
        write_frame(broken(), tmp_path / "t.csv")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatabaseError, match=r"file/t\.csv: cannot be written"):
        write_frame(describe_frames(), tmp_path / "file" / "t.csv")


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".tex", ".md"])
def test_every_frame_can_be_exported_to_every_format(
    database: str, tmp_path: Path, suffix: str
) -> None:
    study = FakeStudy(database)
    study.complete(planned(), 0.5)
    files = export_frames(database, "fake", tmp_path / f"t{suffix}", list(WHAT))
    assert [file.name for file in files] == [f"t-{name}{suffix}" for name in WHAT]
    named = [file for file in files if "fake" in file.read_bytes().decode("latin-1")]
    for_reading = tmp_path / f"t-summary{suffix}" if suffix in (".tex", ".md") else None
    assert named == [file for file in files if file != for_reading]


def test_a_study_of_every_state_comes_back_from_parquet(database: str, tmp_path: Path) -> None:
    study = full_study(database)
    study.begin(planned(T=9))
    (file,) = export_frames(database, "fake", tmp_path / "t.parquet", ["trials"])
    pd.testing.assert_frame_equal(pd.read_parquet(file), read_trials(database))
