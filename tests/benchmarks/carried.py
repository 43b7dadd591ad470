"""What dgsearch's training half needs beside PyTorch, carried in a folder to a bare machine.

`python tests/benchmarks/carried.py build/carried` copies the packages that are installed here.
Those with compiled parts fit this version of Python only; `--python 3.12` adds wheels for another
one, from the package index that pip is set up with. On the bare machine `use_carried()` puts the
folder that fits behind what is installed there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "pydantic",
    "pydantic-core",
    "annotated-types",
    "typing-extensions",
    "typing-inspection",
    "filelock",
    "safetensors",
    "pillow",
    "rich",
    "markdown-it-py",
    "mdurl",
    "pygments",
)
FOLDER = Path(__file__).parents[2] / "build" / "carried"


def use_carried() -> None:
    """Let packages be imported from the folder where this Python has none of its own."""
    carried = Path(os.environ.get("DGSEARCH_CARRIED", FOLDER)) / _version()
    if carried.is_dir() and str(carried) not in sys.path:
        sys.path.append(str(carried))


def copy_installed(folder: Path) -> Path:
    """Copy the packages of this environment; gives the folder of this version of Python."""
    into = folder / _version()
    shutil.rmtree(into, ignore_errors=True)
    for package in PACKAGES:
        for file in metadata.distribution(package).files or ():
            if ".." in file.parts or "__pycache__" in file.parts:
                continue  # scripts, and what Python makes again
            target = into / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target)
    _name_dgsearch(into)
    return into


def unpack_wheels(folder: Path, version: str, platform: str) -> None:
    """Fetch the same releases for another Python and unpack them."""
    pins = [f"{package}=={metadata.version(package)}" for package in PACKAGES]
    with tempfile.TemporaryDirectory() as wheels:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            wheels,
        ]
        wanted = ["--only-binary=:all:", "--python-version", version, "--platform", platform]
        subprocess.run([*command, *wanted, *pins], check=True)
        for wheel in Path(wheels).glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(folder / version)
    _name_dgsearch(folder / version)


def _name_dgsearch(folder: Path) -> None:
    """Leave the version of dgsearch, which runs from its checkout there without an install."""
    version = metadata.version("dgsearch")
    info = folder / f"dgsearch-{version}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    text = f"Metadata-Version: 2.1\nName: dgsearch\nVersion: {version}\n"
    (info / "METADATA").write_text(text, encoding="utf-8")


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def main() -> None:
    """Fill the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--python", action="append", default=[], metavar="3.12")
    parser.add_argument("--platform", default="manylinux2014_x86_64")
    arguments = parser.parse_args()
    print(copy_installed(arguments.folder))
    for version in arguments.python:
        unpack_wheels(arguments.folder, version, arguments.platform)
        print(arguments.folder / version)


if __name__ == "__main__":
    main()
