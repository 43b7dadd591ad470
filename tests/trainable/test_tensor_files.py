from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dgsearch.errors import ArtifactError
from dgsearch.trainable.tensor_files import read_tree, write_tree

plain = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text()
)
trees = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(tree=trees)
@settings(max_examples=50)
def test_a_tree_of_plain_data_survives(
    tmp_path_factory: pytest.TempPathFactory, tree: Any
) -> None:
    file = tmp_path_factory.mktemp("tree") / "t.safetensors"
    write_tree(file, tree)
    assert read_tree(file) == tree


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(6, dtype=torch.float32).reshape(2, 3).T,
        torch.tensor(1.5),
        torch.zeros(0, 3),
        torch.tensor([1.0, 2.0], dtype=torch.bfloat16),
        torch.tensor([True, False]),
        torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
        torch.Generator().get_state(),
    ],
)
def test_tensors_survive(tmp_path: Path, tensor: torch.Tensor) -> None:
    write_tree(tmp_path / "t.safetensors", {"a": [tensor]})
    read = read_tree(tmp_path / "t.safetensors")["a"][0]
    assert read.dtype == tensor.dtype
    assert torch.equal(read, tensor)


def test_the_state_of_an_optimiser_survives(tmp_path: Path) -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    optimiser = torch.optim.Adam([parameter], lr=0.1)
    parameter.sum().backward()
    optimiser.step()
    write_tree(tmp_path / "t.safetensors", optimiser.state_dict())
    other = torch.optim.Adam([torch.nn.Parameter(torch.ones(2))])
    other.load_state_dict(read_tree(tmp_path / "t.safetensors"))
    assert other.param_groups[0]["lr"] == 0.1


def test_a_missing_file_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_tree(tmp_path / "none.safetensors")


@pytest.mark.parametrize("place", [10, 200, -1])
def test_a_changed_byte_is_noticed(tmp_path: Path, place: int) -> None:
    file = tmp_path / "t.safetensors"
    write_tree(file, {"a": torch.arange(100), "b": "text"})
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    with pytest.raises(ArtifactError, match="is damaged"):
        read_tree(file)


@pytest.mark.parametrize("length", [0, 5, 300])
def test_a_cut_file_is_noticed(tmp_path: Path, length: int) -> None:
    file = tmp_path / "t.safetensors"
    write_tree(file, {"a": torch.arange(100)})
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(ArtifactError, match=r"t\.safetensors is damaged"):
        read_tree(file)


def test_nothing_is_left_behind_when_writing_fails(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="cannot store a set"):
        write_tree(tmp_path / "t.safetensors", {"a": {1, 2}})
    assert list(tmp_path.iterdir()) == []
