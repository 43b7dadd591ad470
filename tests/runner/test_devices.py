"""Which devices a worker computes on, and how many trials a cluster of devices holds."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from dgsearch.runner import devices
from dgsearch.runner.devices import assigned_devices, device_memory_mb, devices_name, places

# Starts Ray with 8 devices that do not exist and asks for more trials than fit; then for one task
# on three devices. Prints how many trials were placed at each share, and where torch would look.
_CLUSTER = """
import json, os, time
import ray
from ray.util.placement_group import placement_group, placement_group_table
from ray.util.placement_group import remove_placement_group
from dgsearch.runner.bare_ray import bare_ray
from dgsearch.runner.devices import places

with bare_ray():
    ray.init(address="local", num_cpus=100, num_gpus=8, log_to_driver=False)
placed = {}
for share in (0.15, 1 / 7, 0.51, 3):
    groups = [placement_group([{"CPU": 1, "GPU": share}]) for _ in range(int(8 / share) + 2)]
    count, before = 0, -1
    while count != before or not count:
        time.sleep(1)
        states = [each["state"] for each in placement_group_table().values()]
        count, before = states.count("CREATED"), count
    placed[f"{share:.2f}"] = count
    for group in groups:
        remove_placement_group(group)

@ray.remote(num_cpus=0, num_gpus=3)
def found():
    return places(ray.get_gpu_ids(), os.environ["CUDA_VISIBLE_DEVICES"])

print(json.dumps([placed, ray.get(found.remote())]))
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ray_places_as_many_trials_as_are_counted() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _CLUSTER], capture_output=True, text=True, timeout=280
    )
    assert ran.returncode == 0, ran.stderr
    placed, found = json.loads(ran.stdout.splitlines()[-1])
    # 0.15: 6 on each of 8; 1/7: 7 on each; 0.51: one on each; 3: two groups of 3, and 2 idle.
    assert placed == {"0.15": 48, "0.14": 56, "0.51": 8, "3.00": 2}
    assert found == [0, 1, 2]


@pytest.mark.parametrize(
    ("assigned", "visible", "expected"),
    [
        ([5, 2], "5,2", [0, 1]),  # Ray shows the worker its own devices
        ([2], "0,1,2,3", [2]),  # another's setting, which lets it see more
        ([5, 2], None, [5, 2]),  # Ray was told to set nothing
        ([5], "GPU-8932f937", [0]),  # shown by another name
        (["GPU-1"], None, [0]),
    ],
)
def test_torch_counts_the_devices_that_it_is_shown(
    assigned: list[int | str], visible: str | None, expected: list[int]
) -> None:
    assert places(assigned, visible) == expected


def test_several_devices_are_read_from_the_assignment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices.ray, "get_gpu_ids", lambda: [6, 7])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a chip")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "6,7")
    assert assigned_devices() == [torch.device("cuda", 0), torch.device("cuda", 1)]
    assert devices_name() == "2 x a chip"
    monkeypatch.setattr(devices.ray, "get_gpu_ids", lambda: [7])
    assert assigned_devices() == [torch.device("cuda", 1)]
    assert devices_name() == "a chip"


def test_a_worker_without_a_device_computes_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices.ray, "get_gpu_ids", list)
    assert assigned_devices() == [torch.device("cpu")]
    assert devices_name() == "cpu"
    assert device_memory_mb() == 0.0
