"""Small made copies of the benchmarks, in the layouts in which they are distributed."""

from __future__ import annotations

import bz2
import gzip
import pickle
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

__all__ = [
    "make_digits",
    "make_domainnet",
    "make_tree",
    "make_visda",
    "picture",
    "write_idx",
    "write_mat",
    "write_mnist_m_list",
    "write_mnist_m_pickle",
    "write_usps",
]

DIGIT_LABELS = np.array([7, 2, 0, 9, 4, 1], dtype=np.uint8)


def picture(file: Path, seed: int = 0, *, side: int = 24) -> Path:
    """A noisy picture; the ending of its name decides the format."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side + 8, 3), dtype=np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)
    return file


def make_tree(
    root: Path, domains: Sequence[str], classes: Sequence[str], *, each: int = 2, end: str = "jpg"
) -> Path:
    """`<root>/<domain>/<class>/<number>.jpg`."""
    for place, domain in enumerate(domains):
        for label, name in enumerate(classes):
            for number in range(each):
                seed = 1000 * place + 100 * label + number
                picture(root / domain / name / f"pic_{number:03d}.{end}", seed)
    return root


def make_domainnet(root: Path, domains: Sequence[str]) -> Path:
    """Folders with the official lists beside them: three of four images of a class in training."""
    classes = ("aircraft_carrier", "zebra", "alarm_clock")  # numbered by the lists, not sorted
    make_tree(root, domains, classes, each=4)
    for domain in domains:
        lines = [
            (number, f"{domain}/{name}/pic_{number:03d}.jpg {label}")
            for label, name in enumerate(classes)
            for number in range(4)
        ]
        train = "\n".join(line for number, line in lines if number < 3)
        test = "\n".join(line for number, line in lines if number == 3)
        (root / f"{domain}_train.txt").write_text(train + "\n", encoding="utf-8")
        (root / f"{domain}_test.txt").write_text(test + "\n", encoding="utf-8")
    return root


def make_visda(root: Path) -> Path:
    """Renderings by class, photographs by class, and a test part in trunks, each with its list."""
    lists: Mapping[str, Sequence[tuple[str, int]]] = {
        "train": [("aeroplane/src_1.png", 0), ("truck/src_1.png", 11), ("bus/src_2.png", 2)],
        "validation": [("aeroplane/val 1.jpg", 0), ("truck/val_2.jpg", 11)],
        "test": [("trunk00/a.jpg", 5), ("trunk01/b.jpg", 6)],
    }
    for part, entries in lists.items():
        for seed, (path, _) in enumerate(entries):
            picture(root / part / path, seed)
        text = "".join(f"{path} {number}\n" for path, number in entries)
        (root / part / "image_list.txt").write_text(text, encoding="utf-8")
    return root


def write_idx(file: Path, array: NDArray[np.uint8]) -> Path:
    """MNIST's format: magic number with type and dimensions, sizes, then bytes."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    file.parent.mkdir(parents=True, exist_ok=True)
    content = header + array.tobytes()
    file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)
    return file


def write_usps(file: Path, images: NDArray[np.uint8], labels: Sequence[int]) -> Path:
    """Lines of LIBSVM with labels from 1 and pixels in [-1, 1], packed with bzip2."""
    lines = []
    for image, label in zip(images, labels, strict=True):
        scaled = image.reshape(-1) / 255 * 2 - 1
        pixels = " ".join(f"{place}:{value:.4f}" for place, value in enumerate(scaled, start=1))
        lines.append(f"{label + 1} {pixels} \n")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(bz2.compress("".join(lines).encode()))
    return file


def write_mat(file: Path, images: NDArray[np.uint8], labels: Sequence[int]) -> Path:
    """X of (h, w, 3, N) and y of (N, 1), as SVHN and SYN are distributed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    numbers = np.asarray(labels, dtype=np.uint8).reshape(-1, 1)
    content = {"X": images.transpose(1, 2, 3, 0), "y": numbers}
    savemat(file, content, do_compression=True)
    return file


def write_mnist_m_pickle(file: Path, test: NDArray[np.uint8], *, protocol: int = 2) -> Path:
    """A dictionary of three arrays, as the public script writes it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    other = np.zeros((2, 28, 28, 3), dtype=np.uint8)
    arrays = {"train": other, "test": test, "valid": other[:1]}
    content = pickle.dumps(arrays, protocol=protocol)
    file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)
    return file


def write_mnist_m_list(folder: Path, labels: Sequence[int]) -> Path:
    """`mnist_m_test/<number>.png` and the list of their labels."""
    lines = []
    for number, label in enumerate(labels):
        picture(folder / "mnist_m_test" / f"{number:08d}.png", number)
        lines.append(f"{number:08d}.png {label}\n")
    file = folder / "mnist_m_test_labels.txt"
    file.write_text("".join(lines), encoding="utf-8")
    return file


def make_digits(root: Path) -> Path:
    """All five sets, six images each."""
    random = np.random.default_rng(0)
    grey = random.integers(0, 256, (6, 28, 28), dtype=np.uint8)
    raw = root / "MNIST" / "raw"
    write_idx(raw / "train-images-idx3-ubyte", grey)
    write_idx(raw / "train-labels-idx1-ubyte", DIGIT_LABELS)
    write_idx(raw / "t10k-labels-idx1-ubyte.gz", DIGIT_LABELS[::-1].copy())
    coloured = random.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    svhn = np.where(DIGIT_LABELS == 0, 10, DIGIT_LABELS)
    write_mat(root / "SVHN" / "test_32x32.mat", coloured, svhn.tolist())
    write_mat(root / "SYN" / "synth_test_32x32.mat", coloured, DIGIT_LABELS.tolist())
    write_usps(root / "USPS" / "usps.t.bz2", grey[:, :16, :16], DIGIT_LABELS.tolist())
    photos = random.integers(0, 256, (6, 28, 28, 3), dtype=np.uint8)
    write_mnist_m_pickle(root / "mnist_m" / "keras_mnistm.pkl", photos)
    return root
