"""The configurations that a study has in its database, each read when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from sqlalchemy import Engine, select

from dgsearch.database.tables import OWN_CONFIGURATIONS
from dgsearch.database.writing import persistently
from dgsearch.designs.points import Configuration
from dgsearch.space import Value

_NONE: Mapping[str, Value] = MappingProxyType({})


class StoredConfigurations(Mapping[str, Configuration]):
    """Configurations by id, each read when it is asked for; `varied` is left empty.

    A design that decides by ids and outcomes asks for a few of them, and a search may have
    proposed a hundred thousand.
    """

    def __init__(
        self,
        engine: Engine,
        study_id: int,
        config_ids: Iterable[str],
        switches: Mapping[str, Value] = _NONE,
    ) -> None:
        """The configurations of these ids in `dgsearch_configurations`, with these switches."""
        self._engine = engine
        self._study_id = study_id
        self._ids = dict.fromkeys(config_ids)
        self._switches = switches

    def __getitem__(self, config_id: str) -> Configuration:
        """The configuration of that id."""
        if config_id not in self._ids:
            raise KeyError(config_id)
        query = select(OWN_CONFIGURATIONS).where(
            OWN_CONFIGURATIONS.c.study_id == self._study_id,
            OWN_CONFIGURATIONS.c.config_id == config_id,
        )
        row = persistently(self._engine, lambda connection: connection.execute(query).one())
        values = json.loads(row.values_json)
        now = {name: value for name, value in self._switches.items() if name in values}
        return Configuration(
            row.method,
            {**values, **now},
            role=row.role,
            variant=row.variant,
            stored_id=config_id,
        )

    def __contains__(self, config_id: object) -> bool:
        """Whether there is one of that id; reads nothing."""
        return config_id in self._ids

    def __iter__(self) -> Iterator[str]:
        """The ids."""
        return iter(self._ids)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._ids)


def stored_configurations(
    engine: Engine, study_id: int, *, role: str, switches: Mapping[str, Value] = _NONE
) -> StoredConfigurations:
    """The configurations of one role that the study has.

    Args:
        engine: Of the database.
        study_id: The study's row.
        role: "point", "baseline" or "variant".
        switches: Switches of speed and storage as the study sets them now.
    """
    query = select(OWN_CONFIGURATIONS.c.config_id).where(
        OWN_CONFIGURATIONS.c.study_id == study_id, OWN_CONFIGURATIONS.c.role == role
    )
    ids = persistently(engine, lambda connection: connection.scalars(query).all())
    return StoredConfigurations(engine, study_id, ids, switches)
