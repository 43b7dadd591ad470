"""Each open question's answer says what the numbers allow, whichever way they turn out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pandas as pd
import pytest

from dgsearch.analysis.questions import QUESTIONS, Answer, MissingRowError, StudyFrames
from tests.questions import NOISE, WILD, frames, rows, values

ANSWERS: Mapping[str, Callable[[Sequence[StudyFrames]], Answer]] = {
    question.key: question.answer for question in QUESTIONS
}
ASKED = {
    "mpbm-2": ("ERM continued", "MPBM beats plain training", "plain training from the same"),
    "mpbm-7": ("uniform attention", "weights that differ by feature beat", "equal weights beat"),
    "mpbm-8": ("noise alone", "SGLD makes better queries", "noise alone makes better"),
    "augkd-5": (
        "teacher as small as the student",
        "a larger teacher makes a better student",
        "a teacher of the student's own size",
    ),
    "augkd-6": ("without anchor", "anchors make the student better", "the student is better off"),
    "augkd-7": ("random anchors", "learned anchors are better", "random anchors are better"),
}


def _answer(key: str, *studies: StudyFrames) -> Answer:
    found = ANSWERS[key](studies)
    assert (found.question, found.method) == (key, key.partition("-")[0])
    assert len(found.table)
    return found


def test_the_questions_are_those_of_the_two_papers() -> None:
    assert [question.key for question in QUESTIONS] == [
        *(f"mpbm-{number}" for number in range(1, 10)),
        *(f"augkd-{number}" for number in range(1, 9)),
    ]
    assert all(question.text.endswith("?") for question in QUESTIONS)


@pytest.mark.parametrize("key", ASKED)
@pytest.mark.parametrize("seeds", [5, 8])
@pytest.mark.parametrize("effect", [-0.1, 0.1])
def test_an_ablation_claims_an_effect_as_far_as_its_seeds_allow(
    key: str, seeds: int, effect: float
) -> None:
    asked, worse, better = ASKED[key]
    study = frames(rows({"full": 0.5, asked: 0.5 + effect}, seeds=seeds))
    sentence = _answer(key, study).sentence
    clause = worse if effect < 0 else better
    if seeds == 8:  # p = 2/2^8
        assert sentence.startswith(clause[0].upper() + clause[1:])
        assert "n = 8, sign-flip p = 0.0078: established" in sentence
    else:
        assert sentence.startswith(f"It looks as if {clause}")
        assert "cannot bring p below 0.062, so it is not established" in sentence
    assert f"differs by {'-' if effect < 0 else '+'}" in sentence


@pytest.mark.parametrize("key", ASKED)
def test_an_ablation_without_an_effect_stays_open(key: str) -> None:
    asked = ASKED[key][0]
    sentence = _answer(key, frames(rows({"full": 0.5, asked: 0.5}, seeds=8, noise=WILD))).sentence
    assert sentence.startswith("Whether ")
    assert ": not established)" in sentence
    assert sentence.endswith("There is no other row to compare.")
    beside = "plain attention"  # question 7 looks at rows of attention alone
    three = frames(rows({"full": 0.5, asked: 0.5, beside: 0.5}, seeds=8, noise=WILD))
    assert "Of the 2 groups" in _answer(key, three).sentence
    assert "none differs after Holm's correction" in _answer(key, three).sentence


def test_the_difference_in_the_sentence_is_that_of_the_seeds() -> None:
    trials = [
        {"row": row, "seed": seed, "accuracy": level}
        for row, levels in {"full": [0.5, 0.6, 0.7], "noise alone": [0.51, 0.63, 0.75]}.items()
        for seed, level in enumerate(levels)
    ]
    sentence = _answer("mpbm-8", frames(trials)).sentence
    # differences .01, .03, .05: mean .03, se .02/sqrt(3) = .0115, t(.975, 2) = 4.303
    assert (
        "differs by +3.0 points (95% interval -2.0 to +8.0, standard error 1.2, n = 3" in sentence
    )
    assert "sign-flip p = 0.25: not established" in sentence


def test_a_single_seed_gives_no_interval_and_no_claim() -> None:
    sentence = _answer("mpbm-8", frames(rows({"full": 0.5, "noise alone": 0.1}, seeds=1))).sentence
    assert sentence.startswith("Whether SGLD does more than noise alone is open")
    assert "no interval, so nothing is established" in sentence


def test_a_missing_row_is_named_with_those_that_are_there() -> None:
    with pytest.raises(MissingRowError, match=r"study 's': .*'noise alone' \(found: full, FGSM\)"):
        _answer("mpbm-8", frames(rows({"full": 0.5, "FGSM": 0.5})))


def test_the_question_of_mixing_looks_at_attention_alone() -> None:
    levels = {"full": 0.5, "uniform attention": 0.5, "without L_adv": 0.1}
    assert _answer("mpbm-7", frames(rows(levels))).table["label"].tolist() == ["uniform attention"]


@pytest.mark.parametrize(
    ("change", "noise", "start"),
    [(0.1, NOISE, "It looks as if training on helps"),
     (-0.1, NOISE, "It looks as if training on harms"),
     (0.0, WILD, "Whether training on helps is open")],
)  # fmt: skip
def test_more_plain_training_helps_or_harms_or_neither_is_shown(
    change: float, noise: Sequence[float], start: str
) -> None:
    trials = values({(1,): 0.5, (24,): 0.5 + change}, ["epochs"], noise=noise)
    study = frames(trials, varied={"epochs": "epochs"}, centre={"epochs": 1})
    sentence = _answer("mpbm-1", study).sentence
    assert start in sentence
    assert sentence.startswith("After 24 epochs beyond the common start plain training reaches t ")


NAMES = ("lambda_adv", "lambda_mix", "T", "N_b")


def _grid(effect: Callable[[tuple[int, ...]], float], noise: Sequence[float]) -> StudyFrames:
    points = list(itertools.product((0, 1), repeat=4))
    trials = values({point: 0.5 + effect(point) for point in points}, NAMES, seeds=8, noise=noise)
    return frames(trials, varied={name: name for name in NAMES}, centre=dict.fromkeys(NAMES, 0))


def test_a_planted_interaction_is_found_and_no_other() -> None:
    answer = _answer("mpbm-3", _grid(lambda p: 0.1 * p[2] * p[3], NOISE))
    assert answer.sentence.startswith("1 of 6 pairs are shown to act together.")
    pair = answer.table.set_index("label").loc["T × N_b"]
    assert pair["difference"] == pytest.approx(0.1, abs=0.005)


def test_additive_effects_are_no_interaction() -> None:
    answer = _answer("mpbm-3", _grid(lambda p: 0.1 * p[2] + 0.05 * p[0], NOISE))
    assert answer.sentence.startswith("No two of the 4 hyperparameters are shown to act together.")
    assert "2 differ after Holm's correction: T +10.0, λ_adv +5.0 points" in answer.sentence


def test_a_seed_that_lacks_a_point_of_the_grid_is_left_out() -> None:
    study = _grid(lambda p: 0.1 * p[2] * p[3], NOISE)
    fewer = study.trials.drop(index=0)  # one point at seed 0
    answer = _answer("mpbm-3", replace(study, trials=fewer))
    assert set(answer.table["pairs"]) == {7}


@pytest.mark.parametrize(
    ("other", "words"),
    [(0.6, "T = 10 has a higher mean than T = 5: +10."),
     (0.4, "T = 5 still has the highest mean; next is T = 10 with -10.")],
)  # fmt: skip
def test_whether_the_default_is_still_best_follows_the_means(other: float, words: str) -> None:
    trials = values({(5, 5): 0.5, (10, 5): other, (5, 2): 0.45}, ["T", "N_b"])
    names = {"T": "T", "N_b": "N_b"}
    sentence = _answer("mpbm-4", frames(trials, varied=names, centre={"T": 5, "N_b": 5})).sentence
    assert sentence.startswith(words)
    assert "N_b = 5 still has the highest mean; next is N_b = 2 with -" in sentence


@pytest.mark.parametrize(
    ("factors", "words"),
    [((4.0, 4.1, 3.9), "above 1)"), ((0.5, 0.51, 0.49), "below 1)"),
     ((0.2, 1.0, 5.0), "around 1, so a difference in time is not established)")],
)  # fmt: skip
def test_overhead_is_claimed_where_its_interval_leaves_one(
    factors: Sequence[float], words: str
) -> None:
    trials = [
        {"row": row, "seed": seed, "accuracy": 0.5, "wall_s": 10.0 * factor}
        for row, all_factors in {"ERM continued": (1, 1, 1), "full": factors}.items()
        for seed, factor in enumerate(all_factors)
    ]
    answer = _answer("mpbm-5", frames(trials))
    assert words in answer.sentence.partition(";")[0]
    time = answer.table.set_index("measure").loc["time", "ratio"]
    assert time == pytest.approx(math.prod(factors) ** (1 / 3))  # geometric mean


@pytest.mark.parametrize(
    ("shares", "right", "start", "middle"),
    [((0.9, 0.92, 0.88), 0.9, "Most synthetic instances stay next to", "still tells them"),
     ((0.1, 0.12, 0.08), 0.9, "Most synthetic instances lie nearer to another", "still tells"),
     ((0.2, 0.5, 0.8), 0.5, "Whether most synthetic instances stay", "is not established")],
)  # fmt: skip
def test_where_synthetic_instances_lie_follows_their_neighbours(
    shares: Sequence[float], right: float, start: str, middle: str
) -> None:
    trials = [
        {"row": "mpbm", "seed": seed, "accuracy": 0.5, "lambda_adv": value,
         "diagnostics": {"discriminator_accuracy": right + 0.01 * seed * (right > 0.5)}}
        for value in (0.5, 2.0) for seed in range(3)
    ]  # fmt: skip
    neighbours = pd.DataFrame({"trial_number": range(6), "own_is_nearest": [*shares, *shares]})
    study = frames(
        trials, varied={"lambda_adv": "lambda_adv"}, centre={"lambda_adv": 0.5},
        neighbours=neighbours,
    )  # fmt: skip
    sentence = _answer("mpbm-6", study).sentence
    assert sentence.startswith(start)
    assert middle in sentence
    assert "Whether λ_adv moves them is open" in sentence


@pytest.mark.parametrize(
    ("follows", "words"),
    [(True, "1 of 4 measures of the synthetic data go with accuracy"),
     (False, "is shown to go with accuracy; nearest is")],
)  # fmt: skip
def test_synthetic_quality_goes_with_accuracy_only_where_it_does(
    follows: bool, words: str
) -> None:
    levels = (0.5, 0.0, 0.1, 0.2, 1.0, 2.0, 4.0, 8.0)
    accuracies = (0.5, 0.42, 0.44, 0.47, 0.52, 0.55, 0.45, 0.3)
    known = {(level,): accuracy for level, accuracy in zip(levels, accuracies, strict=True)}
    trials = values(known, ["lambda_mix"])
    for place, trial in enumerate(trials):
        unrelated = float((place * 7) % 5 + 0.1 * place)
        quality = trial["accuracy"] - 0.02 * trial["seed"] if follows else unrelated
        trial["diagnostics"] = {
            "label_agreement": quality, "feature_mmd": float((place * 3) % 7),
            "feature_distance": float((place * 4) % 9), "discriminator_accuracy": unrelated,
        }  # fmt: skip
    study = frames(trials, varied={"lambda_mix": "lambda_mix"}, centre={"lambda_mix": 0.5})
    answer = _answer("mpbm-9", study)
    assert words in answer.sentence
    assert "Furthest from λ_mix = 0.5 is λ_mix = 8 with -19." in answer.sentence
    assert set(answer.extra["metric"]) <= {
        "label_agreement", "feature_mmd", "feature_distance", "discriminator_accuracy"
    }  # fmt: skip


@pytest.mark.parametrize(("full", "start"), [(0.7, "start the student better"),
                                             (0.3, "start the student worse")])  # fmt: skip
def test_the_data_free_module_is_set_beside_the_own_images(full: float, start: str) -> None:
    classes = {"diagnostics": lambda row, seed: {"generated_classes": 0.9}}
    trials = rows({"full": full, "off": 0.5}, **classes)
    bins = [
        {"trial_number": number, "low": low, "high": low + 0.1, "images": images}
        for number in range(len(trials)) for low, images in ((0.8, 25), (0.9, 75))
    ]  # fmt: skip
    sentence = _answer("augkd-1", frames(trials, confidence=pd.DataFrame(bins))).sentence
    assert f"It looks as if images made from the teacher alone {start}" in sentence
    assert "at least 90 % sure of 75.0 ± 0.0 % (n = 5) of the generated images" in sentence
    assert "in which 90.0 ± 0.0 % (n = 5) of the classes appear" in sentence


@pytest.mark.parametrize(
    ("moved", "start"),
    [(-2.0, "It looks as if anchors make the teacher more certain"),
     (2.0, "It looks as if anchors make the teacher less certain"),
     (0.0, "Whether anchors make the teacher more certain")],
)  # fmt: skip
def test_anchors_are_judged_by_the_teachers_energy(moved: float, start: str) -> None:
    def diagnostics(row: str, seed: int) -> dict[str, float]:
        return {
            "uncertainty_before": -5.0, "uncertainty_after": -5.0 + moved + 10 * WILD[seed] / 20,
            "teacher_accuracy_student_domain": 0.8, "teacher_accuracy_mixed_0.0": 0.7,
        }  # fmt: skip

    answer = _answer("augkd-2", frames(rows({"full": 0.5}, diagnostics=diagnostics)))
    assert answer.sentence.startswith(start)
    assert answer.unit == "energy"
    assert "from 80.0 ± 0.0 % (n = 5) on the images to 70.0 ± 0.0 % (n = 5)" in answer.sentence


@pytest.mark.parametrize(
    ("slow", "noise", "start"),
    [(0.6, NOISE, "It looks as if a slow ramp ends higher"),
     (0.4, NOISE, "It looks as if a slow ramp ends lower"),
     (0.5, WILD, "Whether a slow or a fast ramp ends higher is open")],
)  # fmt: skip
def test_a_slow_ramp_is_compared_with_a_fast_one(
    slow: float, noise: Sequence[float], start: str
) -> None:
    answer = _answer("augkd-3", frames(rows({"at once": 0.5, "slow": slow}, noise=noise)))
    assert answer.sentence.startswith(start)
    assert set(answer.dots["row"]) == {"at once", "slow"}


@pytest.mark.parametrize(
    ("levels", "start"),
    [
        ((0.5, 0.6), "It looks as if choosing a and b by validation accuracy pays."),
        (
            (0.5, 0.4),
            "No gain from choosing a and b by validation accuracy is shown: keep a = 0.6",
        ),
    ],
)
def test_the_rule_for_a_and_b_is_tried_on_the_seed_left_out(
    levels: tuple[float, float], start: str
) -> None:
    trials = values({(0.6, 0.2): levels[0], (1.0, 0.0): levels[1]}, ["a", "b"])
    study = frames(trials, varied={"a": "a", "b": "b"}, centre={"a": 0.6, "b": 0.2})
    answer = _answer("augkd-4", study)
    assert answer.sentence.startswith(start)
    assert len(answer.table) == 2


@pytest.mark.parametrize(
    ("slope", "noise", "start"),
    [(0.5, NOISE, "It looks as if the larger the gap, the more"),
     (-0.5, NOISE, "It looks as if the larger the gap, the less"),
     (0.0, WILD, "That the gap changes what AuG-KD gains over labels alone is not shown")],
)  # fmt: skip
def test_the_gain_is_related_to_the_gap_seed_by_seed(
    slope: float, noise: Sequence[float], start: str
) -> None:
    studies = []
    for gap in (0.1, 0.4, 0.2, 0.3):
        wrong = {"teacher_accuracy_student_domain": 1 - gap}
        trials = rows(
            {"labels only": 0.5, "full": 0.5 + slope * gap},
            noise=[x * (1 + 10 * gap) for x in noise], diagnostics=lambda row, seed, w=wrong: w,
        )  # fmt: skip
        studies.append(frames(trials))
    answer = _answer("augkd-8", *studies)
    assert answer.sentence.startswith(start)


def test_a_rule_that_costs_accuracy_is_advised_against() -> None:
    """Validation prefers the point that is worse on the targets."""
    trials = values({(0.6, 0.2): 0.6, (1.0, 0.0): 0.5}, ["a", "b"], seeds=8)
    for trial in trials:
        trial["value"] = 1 - trial["accuracy"]
    study = frames(trials, varied={"a": "a", "b": "b"}, centre={"a": 0.6, "b": 0.2})
    sentence = _answer("augkd-4", study).sentence
    assert sentence.startswith("Choosing a and b by validation accuracy costs accuracy, so keep a")


@pytest.mark.parametrize("seeds", [5, 8])
def test_a_difference_within_the_rope_is_practically_none(seeds: int) -> None:
    trials = rows({"full": 0.5, "noise alone": 0.5, "FGSM": 0.4}, seeds=seeds)
    answer = _answer("mpbm-8", frames(trials, rope=0.01))
    assert answer.sentence.startswith("There is practically no difference: against the full")
    assert "practically no difference, within ±1 points)" in answer.sentence
    assert "Practically no difference, within ±1 points: noise alone." in answer.sentence
    verdicts = answer.table.set_index("label")["verdict"].to_dict()
    # five pairs reach no p of 0.05, eight reach 2 x 2/2^8 after Holm's correction
    assert verdicts == {"noise alone": "equivalent", "FGSM": "worse" if seeds == 8 else "open"}


def test_without_a_rope_a_small_difference_stays_open() -> None:
    answer = _answer("mpbm-8", frames(rows({"full": 0.5, "noise alone": 0.5}, seeds=8)))
    assert answer.sentence.startswith("Whether SGLD does more than noise alone is open")
    assert answer.table["verdict"].tolist() == ["open"]


def test_a_value_picked_for_its_distance_is_judged_by_the_corrected_p() -> None:
    levels = (0.5, *(0.5 + 0.004 * step for step in (1, -1, 2, -2, 3, -3, 4)))
    trials = values({(float(at),): level for at, level in enumerate(levels)}, ["lambda_mix"],
                    seeds=6)  # fmt: skip
    study = frames(trials, varied={"lambda_mix": "lambda_mix"}, centre={"lambda_mix": 0.0})
    answer = _answer("mpbm-9", study)
    largest = answer.table.loc[answer.table["difference"].abs().idxmax()]
    assert largest["p"] == 2 / 2**6  # by itself it would be established
    assert largest["p_holm"] == 7 * 2 / 2**6
    assert "Holm p = 0.22: not established" in answer.sentence.partition(")")[0]


def test_an_energy_has_no_region_and_no_good_side() -> None:
    def diagnostics(row: str, seed: int) -> dict[str, float]:
        return {
            "uncertainty_before": -5.0, "uncertainty_after": -7.0 + 0.01 * seed,
            "teacher_accuracy_student_domain": 0.8,
            "teacher_accuracy_mixed_0.0": 0.799 + seed / 1e4,
        }  # fmt: skip

    study = frames(rows({"full": 0.5}, seeds=8, diagnostics=diagnostics), rope=10.0)
    answer = _answer("augkd-2", study)
    assert answer.table["verdict"].tolist() == ["below 0"]
    assert "practically no difference, within ±1e+03 points" in answer.sentence  # of accuracy
