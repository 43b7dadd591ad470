"""`digits`: MNIST as the source, four other sets of digits as targets, 32x32 in colour.

As in the public code of this protocol: the first 10,000 training images of MNIST, the test
splits of MNIST-M, SVHN, SYN and USPS, resized to 32x32, grey ones with three equal channels.
Files are read without trust: nothing is unpickled.

Shapes: N images of h x w pixels; three channels where they are coloured.
"""

from __future__ import annotations

import gzip
import os
import pickletools
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgsearch.data.benchmark import DataPlace, Domain
from dgsearch.data.cache import decoded_domain
from dgsearch.data.image_decoding import Contents, Listing
from dgsearch.data.image_files import entries_in_list, file_listing, identity_of
from dgsearch.data.images import resize_array
from dgsearch.data.trees import default_root
from dgsearch.errors import DataError, one_of

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
        raise DataError(f"{file}: ends within its header; download it again")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != np.prod(shape):
        raise DataError(
            f"{file}: its header promises {np.prod(shape)} bytes, {shape[0]} entries, but "
            f"{len(content) - start} follow; download it again"
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
        raise DataError(f"{file}: not USPS in bzip2, {error}; download it again") from error
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
            f"{file}: not a whole MATLAB file of version 5, {error}; download it again"
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
        raise DataError(f"{file}: not a pickle, {error}; download it again") from error
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
        raise DataError(f"{file}: cannot be read, {error}; download it again") from error


_FIRST = 10_000  # training images of MNIST that the protocol uses
_TRAIN_IMAGES, _TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
_TEST_LABELS = "t10k-labels-idx1-ubyte"
_LIST = "mnist_m_test_labels.txt"


@dataclass(frozen=True)
class _Source:
    """Files of a domain and how they become arrays.

    Attributes:
        folders: Where they may lie below the root, the usual place first.
        files: Their names; each may end in `.gz` too where `packed`.
        read: From the paths to images (N, h, w) or (N, h, w, 3) and labels (N,).
        packed: Whether `.gz` is accepted.
        fetch: Name of torchvision's class that can download them.
    """

    folders: tuple[str, ...]
    files: tuple[str, ...]
    read: Callable[..., tuple[Bytes, Labels]]
    packed: bool = False
    fetch: str = ""


def _first_of_mnist(images: Path, labels: Path) -> tuple[Bytes, Labels]:
    pixels, numbers = _of_one_length(images, read_idx(images), labels, read_idx(labels))
    return pixels[:_FIRST], numbers[:_FIRST]


def _mnist_m(pickle: Path, labels: Path) -> tuple[Bytes, Labels]:
    return _of_one_length(pickle, read_mnist_m_pickle(pickle), labels, read_idx(labels))


def _of_one_length(
    first: Path, images: Bytes, second: Path, labels: Bytes
) -> tuple[Bytes, Labels]:
    if len(images) != len(labels):
        found = f"{len(images)} images, but {second} has {len(labels)} labels"
        raise DataError(f"{first}: {found}; download both again")
    return images, labels.astype(np.int64)


_MNIST = ("MNIST/raw", "mnist", "")
_SOURCES = {
    "mnist": _Source(
        _MNIST, (_TRAIN_IMAGES, _TRAIN_LABELS), _first_of_mnist, packed=True, fetch="MNIST"
    ),
    "mnist_m": _Source(("mnist_m", ""), ("keras_mnistm.pkl", _TEST_LABELS), _mnist_m, packed=True),
    "svhn": _Source(("SVHN", "svhn", ""), ("test_32x32.mat",), read_mat, fetch="SVHN"),
    "syn": _Source(("SYN", "SynthDigits", "syn", ""), ("synth_test_32x32.mat",), read_mat),
    "usps": _Source(("USPS", "usps", ""), ("usps.t.bz2",), read_usps, fetch="USPS"),
}


class Digits:
    """The benchmark.

    Attributes:
        root: Folder of the data.
        image_size: H = W in pixels to which images are resized.
    """

    name = "digits"
    domains = tuple(_SOURCES)
    labels = tuple(str(digit) for digit in range(10))
    summary = "MNIST, MNIST-M, SVHN, SYN and USPS, 32x32 in colour"
    published: Mapping[str, tuple[int, ...]] = {
        "mnist": (10_000,),
        "mnist_m": (9_001, 10_000),  # the image list, the pickle
        "svhn": (26_032,),
        "syn": (9_553,),
        "usps": (2_007,),
    }

    def __init__(self, place: DataPlace) -> None:
        """Look for it at a place; nothing is read before it is needed."""
        self.root = place.root or default_root(self.name)
        self.image_size = place.image_size or 32
        self._download = place.download
        self._loaded: dict[str, Domain] = {}

    def load(self, domain: str, *, seed: int = 0) -> Domain:
        """The images of one domain, decoded at the first use."""
        if domain not in self.domains:
            raise DataError(
                f"{domain!r} is no domain of {self.name}; {one_of(domain, self.domains)}"
            )
        if domain not in self._loaded:
            if self._download and self.missing(domain):
                _fetch(_SOURCES[domain], self.root)
            missing = self.missing(domain)
            if missing is not None:
                raise DataError("\n".join([f"{self.name}: {missing}", *self.expected()]))
            self._loaded[domain] = decoded_domain(self._listing(domain), self.image_size)
        return self._loaded[domain]

    def expected(self) -> Iterator[str]:
        """Lines that say which files belong where."""
        yield f"expected in {self.root} (data.root, --root, or $DGSEARCH_DATA/{self.name}):"
        yield f"  MNIST/raw/{_TRAIN_IMAGES} and {_TRAIN_LABELS}, also as .gz"
        yield f"  mnist_m/{_LIST} with mnist_m/mnist_m_test/*.png; or"
        yield f"    mnist_m/keras_mnistm.pkl, also as .gz, with MNIST/raw/{_TEST_LABELS}"
        yield "  SVHN/test_32x32.mat"
        yield "  SYN/synth_test_32x32.mat"
        yield "  USPS/usps.t.bz2"
        yield "  data.download = true fetches MNIST, SVHN and USPS with torchvision"

    def missing(self, domain: str) -> str | None:
        """What is missing of a domain; None if its files are there."""
        if domain == "mnist_m" and self._image_list() is not None:
            return None
        absent = [name for name, path in self._paths(domain).items() if path is None]
        if not absent:
            return None
        usual = self.root / _SOURCES[domain].folders[0]
        wanted = " and ".join(absent) if domain != "mnist_m" else f"{_LIST} or {absent[0]}"
        return f"domain {domain!r} is missing: {wanted} not found in {usual}"

    def _listing(self, domain: str) -> Listing:
        image_list = self._image_list() if domain == "mnist_m" else None
        if image_list is not None:
            entries = entries_in_list(image_list, image_list.parent / "mnist_m_test")
            return file_listing(self.name, domain, self.root, entries, int)
        paths = [path for path in self._paths(domain).values() if path is not None]
        return _array_listing(domain, self.root, _SOURCES[domain], paths)

    def _image_list(self) -> Path | None:
        """The list of MNIST-M's test images, if it is there."""
        places = [self.root / folder / _LIST for folder in _SOURCES["mnist_m"].folders]
        return next((place for place in places if place.is_file()), None)

    def _paths(self, domain: str) -> dict[str, Path | None]:
        """Path of each file that a domain needs, None where it is not there."""
        source = _SOURCES[domain]
        endings = ("", ".gz") if source.packed else ("",)
        found: dict[str, Path | None] = {}
        for name in source.files:
            folders = _MNIST if name == _TEST_LABELS else source.folders
            paths = [self.root / at / f"{name}{end}" for at in folders for end in endings]
            found[name] = next((path for path in paths if path.is_file()), None)
        return found


def _array_listing(domain: str, root: Path, source: _Source, paths: list[Path]) -> Listing:
    """The listing of a domain whose images are rows of arrays."""

    def contents() -> Contents:
        images, labels = source.read(*paths)
        if labels.size and not 0 <= labels.min() <= labels.max() <= 9:
            found = f"{labels.min()} to {labels.max()}"
            raise DataError(f"{paths[-1]}: holds labels {found}, not 0 to 9; download it again")
        return Contents(
            names=[f"{paths[0].name}[{row}]" for row in range(len(labels))],
            labels=labels,
            decode=lambda row, size: resize_array(images[row], size),
        )

    identity = identity_of([str(path) for path in paths], root)
    return Listing(Digits.name, domain, root, identity, contents)


def _fetch(source: _Source, root: Path) -> None:
    """Let torchvision download the files into the usual folder."""
    from torchvision import datasets

    if not source.fetch:
        return
    folder = root if source.fetch == "MNIST" else root / source.folders[0]
    os.makedirs(folder, exist_ok=True)
    which = {"split": "test"} if source.fetch == "SVHN" else {"train": source.fetch == "MNIST"}
    try:
        getattr(datasets, source.fetch)(folder, download=True, **which)
    except (OSError, RuntimeError) as error:
        raise DataError(f"{source.fetch} could not be downloaded to {folder}: {error}") from error
