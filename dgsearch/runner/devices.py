"""The accelerators that Ray has assigned to this worker, as torch counts them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import ray
import torch

_VISIBLE = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


def assigned_devices() -> list[torch.device]:
    """The accelerators of this worker, in Ray's order; the CPU alone where there is none."""
    assigned = ray.get_gpu_ids()
    if not assigned or not torch.cuda.is_available():
        return [torch.device("cpu")]
    visible = next((os.environ[name] for name in _VISIBLE if name in os.environ), None)
    return [torch.device("cuda", place) for place in places(assigned, visible)]


def places(assigned: Sequence[int | str], visible: str | None) -> list[int]:
    """Where torch finds the assigned devices.

    Ray shows a worker only its own devices; then torch counts these from 0. Where Ray was told
    to leave the variable alone, torch counts all devices of the machine.

    Args:
        assigned: Numbers or names of devices, as Ray gives them.
        visible: Value of CUDA_VISIBLE_DEVICES or the like; None: not set.
    """
    names = [str(each) for each in assigned]
    if visible is None:
        return [int(name) if name.isdecimal() else place for place, name in enumerate(names)]
    shown = [name.strip() for name in visible.split(",")]
    if set(names) <= set(shown):
        return [shown.index(name) for name in names]
    return list(range(len(names)))  # shown under other names, such as UUIDs


def take_first(share: float) -> torch.device:
    """Let this process compute on its first device, with at most a share of its memory.

    Args:
        share: Of the memory, at most 1; 0 stands for all of it.
    """
    device = assigned_devices()[0]
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.cuda.set_per_process_memory_fraction(min(share or 1.0, 1.0), device)
    return device


def devices_name() -> str:
    """What a trial's record says: the name, and how many where Ray assigned several."""
    devices = assigned_devices()
    if devices[0].type == "cpu":
        return "cpu"
    names = dict.fromkeys(torch.cuda.get_device_name(device) for device in devices)
    several = f"{len(devices)} x " if len(devices) > 1 else ""
    return several + ", ".join(names)


def device_memory_mb() -> float:
    """Memory of the whole first device; 0 on a CPU."""
    device = assigned_devices()[0]
    if device.type == "cpu":
        return 0.0
    return torch.cuda.get_device_properties(device).total_memory / 1e6
