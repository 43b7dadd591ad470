"""What the installed methods and drawn data are, kept for plans that import no torch."""

from __future__ import annotations

import torch

from dgsearch.data.splits import TrialData, load_trial_data
from dgsearch.methods.registry import catalogue, find_method, installed_methods
from dgsearch.runner.declarations import code_digest, is_drawn
from dgsearch.runner.kept_declarations import KeptSplits, keep_methods, keep_splits, kept_splits
from dgsearch.study import StudySpec
from dgsearch.trainable.keys import Numerics


def keep_installed() -> None:
    """Keep in the cache what the methods declare, where it is not there yet."""
    numerics = Numerics("cpu", threads=1).everywhere()
    del numerics["threads"]  # the study says it
    keep_methods(catalogue(), installed_methods(), numerics)


def keep_study(spec: StudySpec) -> None:
    """Keep what planning a study takes: the methods, and its data if that is drawn once."""
    if code_digest() is None:
        return  # nothing can be vouched for
    keep_installed()
    if not is_drawn(spec.data.benchmark) or spec.data.redraw:
        return
    one_target = find_method(spec.method).one_target
    known = kept_splits(spec.data, one_target=one_target)
    cpu = torch.device("cpu")
    found = {
        seed: split_facts(load_trial_data(spec.data, seed=seed, device=cpu, one_target=one_target))
        for seed in spec.seeds
        if seed not in known
    }
    keep_splits(spec.data, one_target=one_target, found=found)


def split_facts(data: TrialData) -> KeptSplits:
    """What of a trial's data the keys of stages hold."""
    splits = {name: split.fingerprint for name, split in data.splits.items()}
    return KeptSplits(splits, data.num_classes, data.image_size, data.fingerprint)
