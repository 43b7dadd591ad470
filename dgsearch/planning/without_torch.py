"""A study planned by what this machine has learnt of the methods and of drawn data: no torch.

Importing torch takes longer than the rest of a plan. Whatever is not certainly known is left to
the whole way, which asks the methods themselves, looks at the data, and says what is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dgsearch.database.connection import open_if_there
from dgsearch.database.facts import StudyFacts, read_facts
from dgsearch.designs.points import PlannedTrial
from dgsearch.errors import DgsearchError
from dgsearch.methods.network_names import code_identity
from dgsearch.planning.needs import StageNeed
from dgsearch.runner.declarations import is_drawn, still_declared
from dgsearch.runner.kept_declarations import KeptMethods, KeptSplits, kept_methods, kept_splits
from dgsearch.runner.known_chains import KnownStage, chain_of
from dgsearch.runner.options import RunOptions
from dgsearch.space import Choice, Value
from dgsearch.study import StudySpec, load_study
from dgsearch.study.plan import StudyPlan, compile_study
from dgsearch.trainable.identities import digest, on_data, stage_identity
from dgsearch.trainable.leases import LEASES_FOLDER

_LEAST_IMAGES = 600  # of a domain that is drawn: with as many, the shares of `[data]` can be made


@dataclass(frozen=True)
class KnownStudy:
    """A study of which everything is known that its plan needs.

    Attributes:
        plan: The study, compiled.
        facts: What `study_facts` would say of spaces, stages and data; None where the database
            has no such study to compare with.
    """

    plan: StudyPlan
    facts: Mapping[str, Any] | None
    methods: KeptMethods

    def needs(
        self, trials: Sequence[PlannedTrial], options: RunOptions
    ) -> Sequence[StageNeed] | None:
        """Each shared stage that the trials need, in the order in which they need it.

        None where it is not known: a chain, or data by which a stored stage is recognised.
        """
        folder = options.artifacts_folder / "stages"
        data = self._splits if _any_stored(folder) else None
        needed: Counter[str] = Counter()
        keys: dict[str, dict[str, bool]] = {}  # by stage: whether each is stored
        for trial in trials:
            values, method = trial.configuration.values, trial.configuration.method
            chain = chain_of(self.methods.chains[method], values)
            if not chain or (data is not None and trial.seed not in data):
                return None
            known = data[trial.seed] if data is not None else None
            for name, key in self._keys(chain[:-1], values, trial.seed, known):
                needed[name] += 1
                seen = keys.setdefault(name, {})
                if key not in seen:
                    seen[key] = known is not None and (folder / key).is_dir()
        return [
            StageNeed(name, needed[name], len(own) - sum(own.values()), sum(own.values()))
            for name, own in keys.items()
        ]

    @property
    def _splits(self) -> Mapping[int, KeptSplits]:
        spec = self.plan.spec
        one_target = spec.method in self.methods.catalogue.one_target
        return kept_splits(spec.data, one_target=one_target)

    def _keys(
        self,
        stages: Sequence[KnownStage],
        values: Mapping[str, Value],
        seed: int,
        data: KeptSplits | None,
    ) -> Iterator[tuple[str, str]]:
        """Name and key of each stage; without data what tells stages of this study apart."""
        threads = max(1, int(self.plan.spec.resources.cpus))
        numerics = {**self.methods.numerics, "threads": threads}
        keys: dict[str, str] = {}
        for stage in stages:
            before = tuple(keys) if stage.after is None else stage.after
            read = stage.values_of(values)
            parts = stage_identity(
                stage.name,
                stage.version,
                read,
                files=code_identity(read),
                earlier={name: keys[name] for name in before},
                seed=seed,
            )
            if data is not None:
                parts = on_data(
                    parts,
                    splits={name: data.splits[name] for name in stage.splits},
                    classes=data.classes,
                    image_size=data.image_size,
                    numerics=numerics,
                )
            keys[stage.name] = digest(parts)
            yield stage.name, keys[stage.name]


def known_study(
    file: Path, database: str | None, *, overrides: Sequence[str] = ()
) -> KnownStudy | None:
    """The study in a file, if it can be planned without torch.

    Args:
        file: The study file.
        database: URL or path; None: the default database.
        overrides: `KEY=VALUE` pairs that replace entries of the file.

    Returns:
        None where something is wrong, or cannot be told without torch.
    """
    methods = kept_methods()
    if methods is None:
        return None
    try:
        spec = load_study(file, methods.catalogue, overrides=overrides)
        plan = compile_study(spec, lambda name: methods.catalogue.methods[name])
        one_target = spec.method in methods.catalogue.one_target
        if not (_is_simple(spec, one_target=one_target) and _names_no_file(plan)):
            return None
        engine = open_if_there(database)
        stored = read_facts(engine, spec.name) if engine is not None else None
    except (DgsearchError, OSError):
        return None  # the whole way says it
    known = KnownStudy(plan, None, methods)
    if stored is None or stored.created_at is None:
        return known
    facts = _facts(known, stored)
    return None if facts is None else KnownStudy(plan, facts, methods)


def _facts(known: KnownStudy, stored: StudyFacts) -> Mapping[str, Any] | None:
    """What is compared with the study in the database; None where it is not known."""
    spec, methods = known.plan.spec, known.methods
    fingerprint = _fingerprint(known, stored)
    if fingerprint is None:
        return None
    stages: dict[str, dict[str, int]] = {}
    for name, space in known.plan.spaces.items():
        shared = {key: value for key, value in spec.hyperparameters.items() if key in space}
        chain = chain_of(methods.chains[name], space.resolve(shared))
        if not chain:
            return None
        own = {name: methods.versions[name]} if name in methods.versions else {}
        stages[name] = own | {stage.name: stage.version for stage in chain}
    return {
        "spaces": {
            name: space.model_dump(mode="json") for name, space in known.plan.spaces.items()
        },
        "stages": stages,
        "data_fingerprint": fingerprint,
    }


def _fingerprint(known: KnownStudy, stored: StudyFacts) -> str | None:
    """Of the study's data as it is now; None where it is not known."""
    now, before = known.plan.spec, stored.spec
    kept = known._splits.get(now.seeds[0])
    if kept is not None:
        return kept.fingerprint
    if before is None or (before.data, before.seeds[0]) != (now.data, now.seeds[0]):
        return None
    return stored.facts.get("data_fingerprint") if still_declared(stored.facts) else None


def _is_simple(spec: StudySpec, *, one_target: bool) -> bool:
    """Whether its data is drawn and can be divided as it asks, and nothing else is read."""
    data, least = spec.data, _LEAST_IMAGES
    students = data.student_images + data.student_validation + 1 if one_target else 0
    divided = 0 < round(data.validation * least) < least and students <= least
    given = spec.teacher is not None or spec.augmentation is not None or not data.source
    return (
        is_drawn(data.benchmark)
        and data.image_size is None
        and divided
        and not given
        and spec.resources.fuse == "off"
    )


def _names_no_file(plan: StudyPlan) -> bool:
    """Whether no value names a file, which may have changed, or what only a method can check."""
    varied = plan.spec.design.vary
    for name, space in plan.spaces.items():
        own = [each for each in plan.configurations if each.method == name]
        values = [space.resolve({})] + [each.values for each in own]
        for item in space:
            if not isinstance(item, Choice) or not item.other:
                continue
            if plan.spec.design.proposals and item.name in varied:
                return False
            fixed = plan.spec.hyperparameters.get(item.name, item.default)
            if not {fixed, *(each[item.name] for each in values)} <= _named_alone(item):
                return False
    return True


def _named_alone(item: Choice) -> set[Any]:
    """Options that are known by their name alone, without a file of weights behind them."""
    return {"none"} if item.name.endswith("weights") else set(item.options)


def _any_stored(folder: Path) -> bool:
    """Whether any stage is stored there; one that is being written has a name with a dot."""
    try:
        return any(
            place.is_dir() and place.name != LEASES_FOLDER and not place.name.startswith(".")
            for place in folder.iterdir()
        )
    except FileNotFoundError:
        return False
