"""The configurations that a study has in its database, each read when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Engine, select

from dgsearch.database.tables import OWN_CONFIGURATIONS
from dgsearch.designs.points import Configuration

__all__ = ["StoredConfigurations", "stored_configurations"]


class StoredConfigurations(Mapping[str, Configuration]):
    """Configurations by id, each read when it is asked for; `varied` is left empty."""

    def __init__(self, engine: Engine, study_id: int, config_ids: Iterable[str]) -> None:
        """The configurations of these ids in `dgsearch_configurations`."""
        self._engine = engine
        self._study_id = study_id
        self._ids = dict.fromkeys(config_ids)

    def __getitem__(self, config_id: str) -> Configuration:
        """The configuration of that id."""
        if config_id not in self._ids:
            raise KeyError(config_id)
        query = select(OWN_CONFIGURATIONS).where(
            OWN_CONFIGURATIONS.c.study_id == self._study_id,
            OWN_CONFIGURATIONS.c.config_id == config_id,
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one()
        return Configuration(
            row.method, json.loads(row.values_json), role=row.role, variant=row.variant
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


def stored_configurations(engine: Engine, study_id: int, *, role: str) -> StoredConfigurations:
    """The configurations of one role that the study has."""
    query = select(OWN_CONFIGURATIONS.c.config_id).where(
        OWN_CONFIGURATIONS.c.study_id == study_id, OWN_CONFIGURATIONS.c.role == role
    )
    with engine.connect() as connection:
        return StoredConfigurations(engine, study_id, connection.scalars(query).all())
