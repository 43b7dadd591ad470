"""Two users of a group share a folder of artifacts; a third may read it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

GROUP, FIRST, SECOND, THIRD = 52000, 52001, 52002, 52003
ROOT = Path(__file__).parents[2]

# Forks a user for each line that it reads, so that PyTorch is imported once. Each has the store of
# the first argument. Nothing is left to import that only root may read.
BEGIN = """
import encodings.ascii, json, os, shutil, sys, time, traceback
from pathlib import Path
import torch
from dgsearch.errors import ArtifactFolderError
from dgsearch.trainable.tensor_files import write_tree
from dgsearch.trainable.kept_splits import splits_file
from dgsearch.trainable.leases import SILENCE_S
from dgsearch.trainable.store import Store
from dgsearch.trainable.checkpoint import trial_folder

os.umask(0o002)
for line in sys.stdin:
    user, groups, code = json.loads(line)
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(groups)
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            artifacts = Path(sys.argv[1])
            store = Store(artifacts / "stages")
            product, record = {"w": torch.ones(2)}, {"stage": "pretrain", "seconds": 1.0}
            exec(code)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(1)
"""
FIRST_DOES = """
store.save("kept", product, record)
assert store.leases.claim("abandoned")  # and ends without giving it back
write_tree(trial_folder(artifacts, "s", 0) / "checkpoint.safetensors", product)
write_tree(splits_file(artifacts, "f"), product, label="f")
half = store.folder / ".half.12345678"
half.mkdir()
(half / "product.safetensors").write_bytes(b"x")
os.utime(half / "product.safetensors", (0, 0))
os.utime(half, (0, 0))
"""
SECOND_DOES = """
assert store.load("kept")[0]["w"].tolist() == [1.0, 1.0]
assert store.listed()[0].used_at > time.time() - 600
assert store.leases.claim("abandoned"), "the claim of a process that is gone"
store.save("abandoned", product, record)
store.leases.release("abandoned")
assert [one.name for one in store.sweep()] == [".half.12345678"]
write_tree(trial_folder(artifacts, "s", 0) / "checkpoint.safetensors", product)
shutil.rmtree(trial_folder(artifacts, "s", 0))
assert sorted(one.key for one in store.prune(keep_bytes=0)) == ["abandoned", "kept"]
store.save("second", product, record)
"""
THIRD_DOES = """
assert store.load("second")[0]["w"].tolist() == [1.0, 1.0]
assert store.listed()[0].problem == ""
assert store.prune(keep_bytes=0) == []
try:
    store.save("third", product, record)
except ArtifactFolderError as error:
    assert "is not accessible: Permission denied" in str(error), error
else:
    raise AssertionError
assert store.load("second") is not None
"""


def _one_after_another(folder: Path, *users: tuple[int, list[int], str]) -> None:
    """Run the code of each as a user that exists by number alone, with these groups."""
    ran = subprocess.run(
        [sys.executable, "-c", BEGIN, str(folder)],
        input="\n".join(map(json.dumps, users)),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder of the group, whose files are the group's too."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root may become other users (setpriv)")
    folder = Path(tempfile.mkdtemp(prefix="dgsearch-shared-"))
    os.chown(folder, 0, GROUP)
    folder.chmod(0o2775)
    probe = ["setpriv", "--reuid", str(FIRST), "--clear-groups", sys.executable, "-c", "import os"]
    try:
        if subprocess.run(probe, capture_output=True, check=False).returncode:
            pytest.skip("other users may not run this Python")
        yield folder
    finally:
        shutil.rmtree(folder)


def test_two_users_of_a_group_share_artifacts_and_a_third_reads_them(shared: Path) -> None:
    _one_after_another(
        shared,
        (FIRST, [GROUP], FIRST_DOES),
        (SECOND, [GROUP], SECOND_DOES),
        (THIRD, [], THIRD_DOES),
    )
