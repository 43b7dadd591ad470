"""Study files that nobody writes by hand: one readable block each."""

from __future__ import annotations

from pathlib import Path

import pytest

from dgsearch.errors import StudyFileError
from dgsearch.study import load_study
from tests.fakes import CATALOGUE

GOOD = """
name = "s"
method = "mpbm"
seeds = [0]
data = { benchmark = "digits-mini", source = ["scan"], targets = ["photo"] }
"""
DESIGN = '[design]\nkind = "grid"\nvary.T = [1]\n'


def _problems(tmp_path: Path, text: str) -> str:
    file = tmp_path / "study.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StudyFileError) as raised:
        load_study(file, CATALOGUE)
    return str(raised.value)


@pytest.mark.parametrize("opening", ["[", "{ a = "])
def test_a_thousand_levels(tmp_path: Path, opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    text = f"a = {opening * 1000}1{closing * 1000}"
    assert "nested too deeply" in _problems(tmp_path, text)


def test_a_number_of_five_thousand_digits(tmp_path: Path) -> None:
    assert "4300 digits" in _problems(tmp_path, f"seeds = [{'9' * 5000}]")


def test_a_number_beyond_every_float(tmp_path: Path) -> None:
    text = GOOD + f"hyperparameters.lambda_adv = 1{'0' * 400}\n" + DESIGN
    message = _problems(tmp_path, text)
    assert "hyperparameters.lambda_adv" in message
    assert len(message) < 1000


def test_a_seed_that_no_database_holds(tmp_path: Path) -> None:
    text = GOOD.replace("[0]", f"[{2**63}]") + DESIGN
    assert "seeds[0] = 9223372036854775808" in _problems(tmp_path, text)


def test_a_file_of_two_million_bytes(tmp_path: Path) -> None:
    assert "has 2,000,002 bytes" in _problems(tmp_path, f"#{'x' * 2_000_000}\n")


def test_an_override_nested_too_deeply(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text(GOOD + DESIGN, encoding="utf-8")
    with pytest.raises(StudyFileError, match="nested too deeply"):
        load_study(file, CATALOGUE, overrides=[f"seeds={'[' * 1000}{']' * 1000}"])


def test_an_unknown_method_hides_nothing_that_is_wrong_for_every_method(tmp_path: Path) -> None:
    text = GOOD.replace('"mpbm"', '"mbpm"') + "hyperparameters.epochs = 0\n"
    text += "hyperparameters.lambda_advv = 1\n" + DESIGN.replace("vary.T", "vary.TT")
    message = _problems(tmp_path, text)
    assert "did you mean 'mpbm'" in message
    assert "hyperparameters.epochs = 0" in message
    assert "hyperparameters.lambda_advv: no method has this hyperparameter" in message
    assert "design.vary.TT: no method has this hyperparameter" in message


def test_a_byte_order_mark_and_carriage_returns_are_no_part_of_a_study(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_bytes((GOOD + DESIGN).replace("\n", "\r\n").encode("utf-8-sig"))
    assert load_study(file, CATALOGUE).name == "s"


def test_a_file_in_another_encoding_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_bytes((GOOD + DESIGN).encode("utf-16"))
    with pytest.raises(StudyFileError, match=r"is no text in UTF-8 \(byte 1\); save it with that"):
        load_study(file, CATALOGUE)


def test_a_varied_number_beyond_every_float(tmp_path: Path) -> None:
    text = GOOD + DESIGN + f"vary.lr = [1{'0' * 400}]\nvary.epochs = [1{'0' * 400}]\n"
    message = _problems(tmp_path, text)
    assert "design.vary.lr[0]" in message
    assert message.count("is too large for a number; allowed: >") == 2


def test_of_thousands_of_problems_the_first_are_named(tmp_path: Path) -> None:
    text = "".join(f"k{place} = 1\n" for place in range(200)) + GOOD + DESIGN
    lines = _problems(tmp_path, text).splitlines()
    assert len(lines) == 51
    assert lines[-1].endswith("and 150 problems more")


@pytest.mark.parametrize(
    ("design", "message"),
    [
        (
            'kind = "grid"\nvary.lr = [{values}]\nvary.lambda_adv = [{values}]',
            "design: asks for 4,000,000 configurations at 1 seed; a study plans at most 1,000,000",
        ),
        (
            'kind = "adaptive-seeds"\ncombine = "grid"\nvary.lr = [{values}]\n'
            "vary.lambda_adv = [{values}]",
            "design: asks for 4,000,001 configurations",
        ),
        (
            f'kind = "family"\nconfigurations = {2**62}\nmethods.erm = {{{{}}}}\n'
            "vary.lr = {{ low = 1e-4, high = 1 }}",
            "design: asks for 9,223,372,036,854,775,808 configurations",
        ),
        (
            f'kind = "sobol"\nsamples = {2**60}\nvary.lr = {{{{ low = 1e-4, high = 1 }}}}\n'
            "vary.lambda_adv = {{ low = 0, high = 1 }}",
            "design: asks for 4,611,686,018,427,387,905 configurations",
        ),
        (
            f'kind = "search"\ntrials = {2**62}\nvary.lr = {{{{ low = 1e-4, high = 1 }}}}',
            "design.trials = 4611686018427387904: input should be less than or equal to 1000000",
        ),
    ],
)
def test_more_trials_than_memory_holds(tmp_path: Path, design: str, message: str) -> None:
    values = ", ".join(f"{place}e-5" for place in range(1, 2001))
    text = f"{GOOD}[design]\n{design.format(values=values)}\n"
    assert message in _problems(tmp_path, text)
