"""The answers about a study in lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dgsearch.analysis.selection import MEAN
from dgsearch.report.failed_seeds import failure_words
from dgsearch.report.front_answer import front_lines
from dgsearch.report.proposals import proposed_count
from dgsearch.report.view import StudyView
from dgsearch.report.words import given
from dgsearch.wording import p_text, plural

_MOST_NAMED = 8  # configurations


def best_lines(view: StudyView, answer: Mapping[str, Any]) -> Iterator[str]:
    """`best_answer` in words."""
    best = answer["best"]
    first = f" {answer['metric']}, the first objective," if answer["objectives"] else ""
    yield (
        f"{answer['study']}: the best of {plural(answer['candidates'], 'configuration')} by "
        f"{answer['rule']}{first} is {_called(best)}"
    )
    if answer["infeasible"]:
        count = answer["infeasible"]
        verbs = "violates a constraint and is" if count == 1 else "violate a constraint and are"
        yield f"  {plural(count, 'configuration')} {verbs} chosen only where all do"
    if answer["rule"] == "oracle":
        yield "  the oracle saw the targets: its numbers are no estimate of what a user would get"
    yield from _proposed(view)
    rule = view.facts.rule if answer["rule"] == "oracle" else answer["rule"]
    yield f"  {rule:<24} {_mean(view, answer['validation'])}"
    for name, interval in answer["targets"].items():
        yield f"  {name:<24} {_mean(view, interval)}"
    yield from _failures(view, [best])
    tied = answer["not_told_apart"]
    if tied is None:
        yield "  whether others differ from it is not tested: there are too many"
    elif tied:
        names = [str(row["name"]) for row in tied[:_MOST_NAMED]]  # which hold commas themselves
        more = [f"{len(tied) - len(names)} more"] if len(tied) > len(names) else []
        yield (
            f"  no significant difference over {plural(answer['shared_seeds'], 'shared seed')}: "
            f"{len(tied)} of {answer['candidates'] - 1}: {'; '.join([*names, *more])}"
        )
    elif answer["candidates"] > 1 + answer["not_compared"]:
        those = " that has its seeds" if answer["not_compared"] else ""
        yield f"  every other configuration{those} differs significantly from it (p <= 0.05)"
    if count := answer["not_compared"]:
        lacks = "lacks seeds and is" if count == 1 else "lack seeds and are"
        yield f"  {plural(count, 'configuration')} {lacks} not compared with it"
    yield from front_lines(view, answer)


def compare_lines(view: StudyView, answer: Mapping[str, Any]) -> Iterator[str]:
    """`compare_answer` in words."""
    yield f"{answer['study']}: B, {_called(answer['b'])}"
    yield f"  against A, {_called(answer['a'])}"
    for name, row in ((MEAN, answer), *answer["targets"].items()):
        yield f"  {name:<24} {_difference(view, row)}"
    yield f"  {answer['rule']:<24} {_difference(view, answer['validation'])}"
    yield from _failures(view, [answer["a"], answer["b"]])
    yield from _proposed(view)
    yield f"  {_WORDS[answer['verdict']]}{_margin(view, answer)}"
    if answer["smallest_p"] > 0.05:
        yield (
            f"  {plural(answer['pairs'], 'pair')} cannot reach p <= 0.05; the smallest p is "
            f"{p_text(answer['smallest_p'])}"
        )


_WORDS = {
    "better": "B is better than A",
    "worse": "B is worse than A",
    "equivalent": "B and A are practically equal: their difference lies",
    "open": "B and A do not differ significantly",
}


def _margin(view: StudyView, answer: Mapping[str, Any]) -> str:
    """The region of practical equivalence, where the verdict rests on it."""
    if answer["verdict"] != "equivalent":
        return ""
    return f" within ±{answer['rope'] * view.unit.scale:.3g} {view.unit.step}".rstrip()


def decision_lines(view: StudyView, answer: Mapping[str, Any]) -> Iterator[str]:
    """`decisions_answer` in words."""
    yield (
        f"{answer['study']}: against {_called(answer['reference'])}, by {answer['rule']} "
        f"({answer['confidence'] * 100:g}% confidence)"
    )
    if answer["rope"] is not None:
        width = f"±{answer['rope'] * view.unit.scale:.3g} {view.unit.step}".rstrip()
        yield f"  equivalent: two one-sided t tests place the difference within {width}"
    for row in answer["configurations"]:
        yield f"  {row['verdict']:<11} {row['name']}: {_difference(view, row)}"
    yield from _failures(view, [answer["reference"], *answer["configurations"]])
    few = [row for row in answer["configurations"] if row["pairs"] < (answer["pairs_needed"] or 0)]
    if few:
        yield (
            f"  {len(answer['configurations'])} comparisons take {answer['pairs_needed']} pairs "
            f"before one can be decided; {len(few)} have fewer"
        )


def _proposed(view: StudyView) -> Iterator[str]:
    """That what `judge` was asked about has a list of its own."""
    if count := proposed_count(view):
        verb = "is" if count == 1 else "are"
        yield (
            f"  {plural(count, 'configuration')} proposed to dgsearch judge {verb} left out; "
            f"see dgsearch judge {view.facts.name}"
        )


def _failures(view: StudyView, called: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Which of some configurations failed at which seeds."""
    for configuration in called:
        if words := failure_words(view, configuration["config_id"]):
            yield f"  {words}"


def _called(configuration: Mapping[str, Any]) -> str:
    return f"{configuration['name']} (configuration {configuration['config_id']})"


def _mean(view: StudyView, row: Mapping[str, Any]) -> str:
    text = f"{view.unit.text(row['mean'])}{view.unit.sign} (n = {row['n']}"
    if not given(row["low"]):
        return f"{text})"
    return f"{text}, 95% {view.unit.between(row['low'], row['high'])})"


def _difference(view: StudyView, row: Mapping[str, Any]) -> str:
    """A paired difference with its doubt."""
    if not row["pairs"]:
        return "no seed in common"
    unit = view.unit
    parts = [plural(row["pairs"], "pair")]
    if given(row["low"]):
        parts.append(unit.between(row["low"], row["high"], signed=True))
    p = row.get("p_holm", row.get("p"))
    if given(p):
        parts.append(f"p = {p_text(p)}" if p >= 0.001 else f"p {p_text(p)}")
    return f"{unit.signed(row['difference'])} {unit.step}".rstrip() + f" ({', '.join(parts)})"
