"""Ray Tune's registry is asked for each thing once; no Ray is started here."""

from __future__ import annotations

import pytest
from ray.tune import registry

from dgsearch.runner.tune_registry import remembered_registry

CLASS = registry.TRAINABLE_CLASS


class _Cluster:
    """A cluster's memory that counts how often it is asked."""

    def __init__(self) -> None:
        self.held: dict[bytes, bytes] = {}
        self.asked = 0

    def get(self, key: bytes) -> bytes | None:
        self.asked += 1
        return self.held.get(key)

    def put(self, key: bytes, value: bytes, overwrite: bool = True) -> None:
        self.held[key] = value


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> _Cluster:
    made = _Cluster()
    monkeypatch.setattr(registry, "_internal_kv_initialized", lambda: True)
    monkeypatch.setattr(registry, "_internal_kv_get", made.get)
    monkeypatch.setattr(registry, "_internal_kv_put", made.put)
    monkeypatch.setattr(registry._Registry, "prefix", "job")  # looking it up starts Ray
    monkeypatch.setattr(registry._Registry, "_register_atexit", lambda _: None)
    return made


def test_a_class_is_fetched_once_and_anew_where_it_is_registered_anew(cluster: _Cluster) -> None:
    known = registry._global_registry
    with remembered_registry():
        assert not known.contains(CLASS, "mine")
        known.register(CLASS, "mine", int)
        assert known.get(CLASS, "mine") is int
        asked = cluster.asked
        assert all(known.contains(CLASS, "mine") for _ in range(5))
        assert all(known.get(CLASS, "mine") is int for _ in range(5))
        assert cluster.asked == asked
        known.register(CLASS, "mine", float)
        assert known.get(CLASS, "mine") is float
    assert known.contains(CLASS, "mine")
    assert known.get(CLASS, "mine") is float
    assert cluster.asked == asked + 3  # one after the second registration, two afterwards
    with pytest.raises(ValueError, match="doesn't exist"), remembered_registry():
        known.get(CLASS, "another")
