"""The files in which the digit sets are distributed, read without trust: nothing is unpickled.

Shapes: N images of h x w pixels; three channels where they are coloured.
"""

from __future__ import annotations

import gzip
import pickletools
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgsearch.errors import DataError

__all__ = ["read_idx", "read_mat", "read_mnist_m_pickle", "read_usps"]

Bytes = NDArray[np.uint8]
Labels = NDArray[np.int64]

_MNIST_M_SIDE = 28


def read_idx(file: Path) -> Bytes:
    """An array of MNIST's IDX format, plain or as `.gz`.

    Returns:
        (N, h, w) of images or (N,) of labels.

    Raises:
        DataError: If it is another kind of file or its length does not fit its header.
    """
    content = _content(file)
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise DataError(f"{file}: not an IDX file of bytes, as MNIST is distributed")
    dimensions = content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataError(f"{file}: ends within its header; fetch it anew")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != np.prod(shape):
        raise DataError(
            f"{file}: its header promises {np.prod(shape)} bytes, {shape[0]} entries, but "
            f"{len(content) - start} follow; fetch it anew"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def read_usps(file: Path) -> tuple[Bytes, Labels]:
    """The digits of a `usps.bz2` or `usps.t.bz2`, read by torchvision.

    Returns:
        (N, 16, 16) and labels 0..9, (N,).

    Raises:
        DataError: If it is something else.
    """
    from torchvision.datasets import USPS

    if file.name != "usps.t.bz2":
        raise DataError(f"{file}: expected usps.t.bz2, the test split")
    try:
        read = USPS(file.parent, train=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{file}: not USPS in bzip2, {error}; fetch it anew") from error
    return np.asarray(read.data), np.asarray(read.targets, dtype=np.int64)


def read_mat(file: Path) -> tuple[Bytes, Labels]:
    """The digits of a `.mat` file in the format of SVHN: X of (h, w, 3, N) and y of (N, 1).

    SVHN writes the digit 0 as 10; both become 0.

    Returns:
        (N, h, w, 3) and labels 0..9, (N,).

    Raises:
        DataError: If it is something else.
    """
    from scipy.io import loadmat

    try:
        content = loadmat(file, variable_names=("X", "y"))
    except Exception as error:  # its reader raises many kinds for what is no such file
        raise DataError(
            f"{file}: not a whole MATLAB file of version 5, {error}; fetch it anew"
        ) from error
    images, labels = content.get("X"), content.get("y")
    if images is None or labels is None or images.ndim != 4 or images.shape[2] != 3:
        raise DataError(f"{file}: expected X of (h, w, 3, N) and y of (N, 1), as in SVHN")
    if images.shape[3] != labels.size:
        raise DataError(f"{file}: {images.shape[3]} images but {labels.size} labels")
    numbers = labels.reshape(-1).astype(np.int64)
    return images.transpose(3, 0, 1, 2).astype(np.uint8), np.where(numbers == 10, 0, numbers)


def read_mnist_m_pickle(file: Path) -> Bytes:
    """The test images of `keras_mnistm.pkl` or `.pkl.gz`, without executing the pickle.

    A pickle is a program; loading a stranger's runs it. This walks through its instructions
    (`pickletools.genops` only parses them) and takes the one long string of bytes that follows
    the key "test". What the program would have done with it is not done.

    Returns:
        (N, 28, 28, 3); the order is that of MNIST's test split, from which labels come.

    Raises:
        DataError: If there is no such string, or its length is not that of images.
    """
    wanted = False
    try:
        for value in _strings(_content(file)):
            if len(value) < 100:
                wanted = value == b"test" or (wanted and value not in (b"train", b"valid"))
            elif wanted:
                return _as_images(value, file)
    except (ValueError, EOFError, struct.error) as error:
        raise DataError(f"{file}: not a pickle, {error}; fetch it anew") from error
    raise DataError(f"{file}: holds no array under the key 'test', as keras_mnistm.pkl does")


def _strings(content: bytes) -> Iterator[bytes]:
    """The texts and strings of bytes in a pickle, in order; nothing is executed."""
    for _, value, _ in pickletools.genops(content):
        if isinstance(value, str):
            try:
                yield value.encode("latin-1")  # how arrays travel in the older protocols
            except UnicodeEncodeError:
                continue
        elif isinstance(value, bytes | bytearray):
            yield bytes(value)


def _as_images(value: bytes, file: Path) -> Bytes:
    each = _MNIST_M_SIDE * _MNIST_M_SIDE * 3
    if len(value) % each:
        raise DataError(
            f"{file}: the test array has {len(value)} bytes, no multiple of {each} (28x28x3)"
        )
    shape = (-1, _MNIST_M_SIDE, _MNIST_M_SIDE, 3)
    return np.frombuffer(value, dtype=np.uint8).reshape(shape)


def _content(file: Path) -> bytes:
    try:
        if file.suffix == ".gz":
            with gzip.open(file) as opened:
                return opened.read()
        return file.read_bytes()
    except (OSError, EOFError) as error:
        raise DataError(f"{file}: cannot be read, {error}; fetch it anew") from error
