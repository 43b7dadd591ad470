"""How many trials this machine runs side by side; torch is asked only where it has a device."""

from __future__ import annotations

from pathlib import Path

from dgsearch.processes import available_cores
from dgsearch.runner.slots import Machine, trials_at_a_time
from dgsearch.study import StudySpec

_DEVICES = Path("/dev")
_NAMES = ("nvidia[0-9]*", "nvidiactl", "kfd", "dxg")  # of CUDA, of ROCm, of Windows' Linux


def trials_at_once(spec: StudySpec) -> int:
    """Trials that this machine runs at a time; on its accelerators if it has any."""
    devices = devices_here()
    share = 1.0 if spec.resources.gpus == "auto" else float(spec.resources.gpus)
    return trials_at_a_time(
        spec.resources,
        gpus=share if devices else 0.0,
        machines=[Machine(available_cores(), devices)],
    )


def devices_here() -> int:
    """How many accelerators torch would find."""
    if not any(found for name in _NAMES for found in _DEVICES.glob(name)):
        return 0
    import torch

    return torch.cuda.device_count()
