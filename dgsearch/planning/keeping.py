"""What the installed methods say of themselves, kept for plans that import no torch."""

from __future__ import annotations

from dataclasses import asdict

from dgsearch.methods.registry import catalogue, installed_methods
from dgsearch.runner.kept_declarations import keep_methods
from dgsearch.trainable.keys import Numerics


def keep_installed() -> None:
    """Keep it in the cache, where it is not there yet."""
    numerics = asdict(Numerics("cpu", threads=1))
    del numerics["fuse"], numerics["threads"]  # the study says both
    keep_methods(catalogue(), installed_methods(), numerics)
