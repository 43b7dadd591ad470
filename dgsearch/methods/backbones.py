"""Where the weights of networks come from.

Nothing is downloaded: weights lie in a file, or the error says which file belongs where.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from dgsearch.errors import MethodError
from dgsearch.methods.network_names import network_names
from dgsearch.space import Value
from dgsearch.study.teacher import GIVEN_TEACHER, TRAINED, TeacherSpec

IMAGENET = "imagenet"
NONE = "none"
_PAIRS = {  # hyperparameters of one network: its name, its weights
    "network": "weights",
    "teacher_network": "teacher_weights",
    "student_network": "student_weights",
}


def imagenet_file(name: str) -> Path:
    """The file of torchvision's first ImageNet weights, where torch keeps what it fetches.

    Args:
        name: Of a classification model of torchvision.

    Raises:
        MethodError: If it is not there; says where it is to be had.
    """
    from torchvision import models  # takes over a second to import

    choice = models.get_model_weights(name)
    url = str(getattr(choice, "IMAGENET1K_V1", choice.DEFAULT).url)
    file = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if not file.is_file():
        raise MethodError(
            f"{name} with weights 'imagenet': {file} is missing; fetch {url} and put it "
            'there ($TORCH_HOME names another place), or write weights = "none"'
        )
    return file


def load_weights(
    extractor: nn.Module, name: str, weights: str, *, heads: Sequence[str] = ("head",)
) -> None:
    """Put weights from a file into an extractor; its last layer, if the file has one, is left out.

    Args:
        extractor: The network `name` without its head.
        name: Of the network.
        weights: "none" to leave it as it is, "imagenet", or the path of a file: safetensors, or
            a `.pth` of tensors alone, which is read by torch's restricted unpickler.
        heads: Beginnings of the names of weights that belong to its last layer.

    Raises:
        MethodError: If the file is missing, damaged, or of another network.
    """
    if weights == NONE:
        return
    file = _file(name, weights)
    state = read_tensors(file)
    last = "|".join(re.escape(head) for head in heads)
    plain = {
        key.removeprefix("module.").removeprefix("extractor."): tensor
        for key, tensor in state.items()
        if not re.match(rf"(module\.)?({last})\.", key)
    }
    try:
        extractor.load_state_dict(plain)
        if weights == IMAGENET and hasattr(extractor, "transform_input"):
            vars(extractor)["transform_input"] = True  # of googlenet and inception_v3
    except RuntimeError as error:
        first = " ".join(str(error).split())[:200]
        raise MethodError(f"{file}: these are not weights of {name}: {first}") from error


def weights_identity(values: Mapping[str, Value]) -> dict[str, str]:
    """Hash of every file of weights that hyperparameters name, by the hyperparameter.

    Args:
        values: What a stage reads; networks without a file are passed over.

    Raises:
        MethodError: If a file is missing.
    """
    given = str(values.get(GIVEN_TEACHER, TRAINED))
    files = {} if given == TRAINED else {GIVEN_TEACHER: _digest(_given_file(given))}
    return files | {
        weights: _digest(_file(str(values[network]), str(values[weights])))
        for network, weights in _PAIRS.items()
        if weights in values and network in values and values[weights] != NONE
    }


def _given_file(text: str) -> Path:
    file = Path(TeacherSpec.model_validate_json(text).file).expanduser()
    if not file.is_file():
        raise MethodError(f"teacher.file = {str(file)!r}: there is no such file; check the path")
    return file


def _file(name: str, weights: str) -> Path:
    """The file in which weights lie."""
    if weights == IMAGENET:
        if network_names().get(name) != "torchvision":
            raise MethodError(
                f"{name} has no weights 'imagenet', only the networks of torchvision have; write "
                'weights = "none" or the path of a file'
            )
        return imagenet_file(name)
    file = Path(weights).expanduser()
    if not file.is_file():
        raise MethodError(
            f'{name} with weights {weights!r}: there is no such file; write "none", '
            '"imagenet", or the path of a .safetensors or .pth file'
        )
    return file


def read_tensors(file: Path, *, inside: Sequence[str] = ("state_dict",)) -> Mapping[str, Tensor]:
    """The tensors of a file by name; nothing in it is executed.

    Args:
        file: safetensors, or what torch.save wrote of tensors alone.
        inside: Names under which the tensors may lie in the file.

    Raises:
        MethodError: If the file is damaged or holds something else.
    """
    expected = re.search(r"-([0-9a-f]{8})\.pth$", file.name)  # as torchvision names its files
    if expected and not _digest(file).startswith(expected[1]):
        raise MethodError(
            f"{file} is damaged: its SHA-256 is not that of its name; download it again"
        )
    try:
        if file.suffix == ".safetensors":
            return cast(Mapping[str, Tensor], load_file(file))
        found: Any = torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, ValueError, RuntimeError, EOFError, KeyError) as error:
        raise MethodError(f"{file}: cannot be read as weights: {error}") from error
    except Exception as error:  # what the restricted unpickler refuses
        raise MethodError(f"{file}: holds more than tensors and is not read: {error}") from error
    state = found
    if isinstance(found, dict):
        state = next((found[name] for name in inside if name in found), found)
    if not isinstance(state, dict) or not all(isinstance(item, Tensor) for item in state.values()):
        raise MethodError(f"{file}: holds no tensors by name; save the network's state_dict()")
    return state


def _digest(file: Path) -> str:
    """SHA-256 of a file's content."""
    status = file.stat()
    return _digest_of(str(file), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=32)
def _digest_of(file: str, size: int, changed_at: int) -> str:
    with Path(file).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
