"""A teacher that is a TorchScript program: its code read and checked before anything runs.

A TorchScript archive holds source code in a small language beside its tensors, and torch runs
parts of it while loading. That code can write and read files (`aten::save`, `aten::from_file`).
So every function of it is parsed here; it may call the mathematics of networks, functions of its
own, and nothing else. What was checked is written into a new archive, and that one is loaded, so
that torch reads nothing which was not seen here. Python's pickle takes no part: torch has a reader
of its own for the tables of such archives, which makes tensors and objects of the program alone.

Programs of torch.export are refused: `torch.export.load` unpickles parts of the file.
"""

from __future__ import annotations

import ast
import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dgsearch.errors import MethodError

_MOST_CODE = 20_000_000  # bytes of source in one archive; a large network has 2,000,000
_KEPT = re.compile(
    r"code/.*\.py|data\.pkl|constants\.pkl|data/\d+|constants/\d+|(\.data/)?version|byteorder"
)
_NAMES = """
    __and__ __contains__ __getitem__ __is__ __isnot__ __not__ __or__ _convolution _set_item abs
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d add add_ addcdiv addcmul addmm
    alpha_dropout amax amin append arange argmax argsort avg_pool1d avg_pool2d baddbmm
    batch_norm bernoulli bernoulli_ bmm broadcast_tensors cat ceil celu chunk clamp clamp_
    clamp_max clamp_min clamp_min_ clone constant_pad_nd contiguous conv1d conv2d
    conv_transpose2d copy copy_ cos cumsum detach dict dim div div_ dropout dropout_ einsum elu
    elu_ embedding empty empty_like eq erf exp expand expand_as extend feature_dropout fill_
    flatten flip floor floor_divide floordiv fmod format full full_like gather ge gelu glu
    group_norm gt hardsigmoid hardsigmoid_ hardswish hardswish_ hardtanh hardtanh_ im2col index
    index_select instance_norm is_autocast_enabled is_floating_point is_grad_enabled item items
    keys layer_norm le leaky_relu leaky_relu_ len linear linspace list local_response_norm log
    log1p log_softmax logical_and logical_not logsumexp lt masked_fill matmul max max_pool2d
    maximum mean min minimum mish moveaxis movedim mul mul_ narrow ne neg new_empty new_full
    new_ones new_zeros norm numel ones ones_like pad permute pixel_shuffle pow prelu prod rand
    rand_like randn randn_like reciprocal reflection_pad2d relu relu6 relu6_ relu_ remainder
    repeat repeat_interleave replication_pad2d reshape roll round rsqrt rsub
    scaled_dot_product_attention select selu selu_ sigmoid sigmoid_ sign silu silu_ sin size
    slice softmax softplus sort split split_with_sizes sqrt square squeeze stack std sub sub_
    sum swapaxes swapdims t tanh tanh_ tensor to topk transpose trunc type_as unbind unflatten
    unfold unsqueeze upsample_bicubic2d upsample_bilinear2d upsample_nearest2d values var
    var_mean view view_as warn where zero_ zeros zeros_like
"""
_OPERATIONS = frozenset(_NAMES.split())
_OTHER = frozenset(
    (
        *("ops.prim.NumToTensor", "ops.prim.RaiseException", "ops.prim.data", "ops.prim.device"),
        *("ops.prim.dtype", "ops.prim.is_cuda", "ops.prim.is_nested", "ops.prim.layout"),
        *("ops.prim.requires_grad", "ops.prim.unchecked_unwrap_optional"),
    )
)
_BUILTIN = frozenset(
    (
        *("annotate", "bool", "float", "getattr", "int", "isinstance", "range"),
        *("unchecked_cast", "uninitialized"),
    )
)
_EXPORTED = ("archive_format", "serialized_exported_program.json")
_ROOTS = frozenset(("torch", "ops", "__torch__", "CONSTANTS"))
_PLAIN = frozenset(  # types and numbers
    (
        *("Any", "Device", "Dict", "Final", "List", "NoneType", "Optional", "Scalar", "Tensor"),
        *("Tuple", "Union", "complex", "inf", "nan", "number", "str"),
    )
)
_NODES = (
    *(ast.Module, ast.ClassDef, ast.FunctionDef, ast.arguments, ast.arg, ast.Assign),
    *(ast.AnnAssign, ast.Return, ast.If, ast.For, ast.While, ast.Pass, ast.Expr, ast.Call),
    *(ast.Attribute, ast.Name, ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Subscript),
    *(ast.Slice, ast.UnaryOp, ast.BinOp, ast.keyword, ast.Load, ast.Store, ast.operator),
    *(ast.unaryop, ast.Starred),
)


def check_program(file: Path) -> None:
    """Whether a file is a TorchScript program that does nothing but compute.

    Raises:
        ValueError: If it is not; says why, and what to do instead.
    """
    _checked_code(_opened(file))


def read_program(file: Path) -> Tensor:
    """A program as bytes, checked and written anew: uint8 (n,).

    Raises:
        ValueError: If it is not a TorchScript program that does nothing but compute.
    """
    archive = _opened(file)
    code = _checked_code(archive)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as written:
        for name, entry in _entries(archive).items():
            written.writestr(f"program/{name}", code.get(name) or archive.read(entry))
    return torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)


def load_program(program: Tensor) -> nn.Module:
    """The network of a checked program, on the CPU.

    Args:
        program: `read_program`.

    Raises:
        MethodError: If torch does not load it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch.jit is to go some day
            buffer = io.BytesIO(program.cpu().numpy().tobytes())
            network: nn.Module = torch.jit.load(buffer, map_location="cpu")
    except RuntimeError as error:
        first = " ".join(str(error).split())[:300]
        raise MethodError(f"teacher.file: torch cannot load this program: {first}") from error
    return network


def _opened(file: Path) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(file)
    except (OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"is no TorchScript program: {error}") from error
    names = archive.namelist()
    if any(name.endswith(_EXPORTED) for name in names):
        raise ValueError(
            "is a program of torch.export, which torch can only load by unpickling parts of it. "
            "Where you trust the file, save its tensors (torch.save(torch.export.load(FILE)"
            ".state_dict, 'teacher.pth')) and name its network, or trace it into TorchScript"
        )
    if not any(re.fullmatch(r"[^/]+/code/.*\.py", name) for name in names):
        raise ValueError("is no TorchScript program: it holds no code; see torch.jit.save")
    return archive


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """What of an archive is loaded, by its name below the archive's folder."""
    found = {entry.filename.partition("/")[2]: entry for entry in archive.infolist()}
    return {name: entry for name, entry in found.items() if _KEPT.fullmatch(name)}


def _checked_code(archive: zipfile.ZipFile) -> dict[str, str]:
    """Every source file of the archive by name, parsed, checked and written anew.

    Raises:
        ValueError: At the first thing that is not allowed.
    """
    entries = _entries(archive)
    sources = {name: entry for name, entry in entries.items() if name.endswith(".py")}
    if sum(entry.file_size for entry in sources.values()) > _MOST_CODE:
        raise ValueError(f"has more than {_MOST_CODE:,} bytes of code, too much for a network")
    for name, entry in entries.items():
        if name.endswith(".pkl") and b"torch.classes" in archive.read(entry):
            raise ValueError(f"{name} makes objects of torch.classes, which may do anything")
    trees = {name: _tree(name, archive.read(entry)) for name, entry in sources.items()}
    for name, tree in trees.items():
        for problem in _problems(tree):
            raise ValueError(
                f"{name} {problem}, which a network has no need of: the program is not loaded. "
                "Where you trust it, save its tensors (state_dict) and name its network"
            )
    return {name: ast.unparse(tree) + "\n" for name, tree in trees.items()}


def _tree(name: str, source: bytes) -> ast.Module:
    try:
        return ast.parse(source.decode("utf-8"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{name} cannot be parsed: {error}") from error


def _problems(tree: ast.Module) -> Iterator[str]:
    """What a source file does that is not allowed."""
    for node in ast.walk(tree):
        if not isinstance(node, _NODES):
            yield f"has a statement {type(node).__name__}"
        elif isinstance(node, ast.FunctionDef):
            yield from _unknown_names(node)
            if node.decorator_list:
                yield "has a decorator"
        elif isinstance(node, ast.Call):
            yield from _call(node)
    yield from _references(tree)


def _unknown_names(function: ast.FunctionDef) -> Iterator[str]:
    """Names that are neither the function's own nor types or plain builtins."""
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    own = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    for name in names:
        if name.id not in own | _BUILTIN | _PLAIN | _ROOTS:
            yield f"uses {name.id}"
        if name.id in own & (_BUILTIN | _ROOTS):
            yield f"gives {name.id} another meaning"


def _references(node: ast.AST) -> Iterator[str]:
    """What is taken from `torch` and `ops`, called or not, that is not among those allowed."""
    if isinstance(node, ast.Name) and node.id in ("torch", "ops"):
        yield f"uses {node.id} itself"
    dotted = _dotted(node)
    if dotted is None:
        for child in ast.iter_child_nodes(node):
            yield from _references(child)
    elif dotted.startswith(("torch.", "ops.")):
        if dotted not in _OTHER and dotted.removeprefix("torch.") not in _OPERATIONS:
            yield f"uses {dotted}"
    elif dotted.startswith("__torch__.torch.classes"):
        yield f"uses {dotted}"


def _dotted(node: ast.AST) -> str | None:
    """`a.b.c` as text where it begins with a name; None for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *parts[::-1]]) if parts and isinstance(node, ast.Name) else None


def _call(node: ast.Call) -> Iterator[str]:
    """A call of something else than operations, functions of the program and plain builtins."""
    function = node.func
    if isinstance(function, ast.Attribute):
        rooted = (_dotted(function) or "").startswith(("torch.", "ops.", "__torch__."))
        if not rooted and _is_foreign(function.attr):  # a method of a tensor is an operation
            yield f"calls {ast.unparse(function)}"
    elif not isinstance(function, ast.Name):
        yield f"calls {ast.unparse(function)[:80]}"
    elif function.id == "getattr":
        name = node.args[1] if len(node.args) == 2 else None
        if not isinstance(name, ast.Constant) or _is_foreign(str(name.value)):
            yield f"calls {ast.unparse(node)[:80]}"


def _is_foreign(name: str) -> bool:
    """Whether an attribute of that name could be an operation which is not allowed."""
    return name in _registered() - _OPERATIONS


@lru_cache(maxsize=1)
def _registered() -> frozenset[str]:
    """Names of every operation that torch has here, without their namespaces."""
    schemas: list[Any] = torch._C._jit_get_all_schemas()
    return frozenset(schema.name.partition("::")[2] for schema in schemas)
