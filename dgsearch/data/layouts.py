"""How PACS, DomainNet, Office-31, Office-Home and VisDA-2017 are distributed, and any folder.

Numbers of images are those of the publications: PACS arXiv:1710.03077, DomainNet
arXiv:1812.01754 (cleaned version, with its official lists), Office-31 (Saenko et al. 2010),
Office-Home arXiv:1706.07522, VisDA-2017 arXiv:1710.06924.
"""

from __future__ import annotations

from dgsearch.data.benchmark import DataPlace
from dgsearch.data.files import class_folders
from dgsearch.data.trees import Layout, ListFile, TreeBenchmark, default_root

__all__ = ["DOMAINNET", "OFFICE31", "OFFICEHOME", "PACS", "VISDA2017", "folder_benchmark"]

PACS = Layout(
    name="pacs",
    summary="photos, art paintings, cartoons and sketches of 7 classes (arXiv:1710.03077)",
    image_size=224,
    folders={name: (name,) for name in ("art_painting", "cartoon", "photo", "sketch")},
    expected=(
        "art_painting/<class>/*.jpg, cartoon/, photo/ and sketch/ (*.png) likewise;",
        "the folder PACS/ or kfold/ of the archives may lie between",
    ),
    published={
        "art_painting": (2048,),
        "cartoon": (2344,),
        "photo": (1670,),
        "sketch": (3929,),
    },
    labels=("dog", "elephant", "giraffe", "guitar", "horse", "house", "person"),
    inside=("", "PACS", "kfold", "PACS/kfold", "pacs_data"),
)
OFFICE31 = Layout(
    name="office31",
    summary="31 things of an office by Amazon, DSLR and webcam (Saenko et al. 2010)",
    image_size=224,
    folders={name: (f"{name}/images", name) for name in ("amazon", "dslr", "webcam")},
    expected=(
        "amazon/images/<class>/*.jpg, dslr/images/ and webcam/images/ likewise",
        "(also without images/)",
    ),
    published={"amazon": (2817,), "dslr": (498,), "webcam": (795,)},
    inside=("", "office31", "office", "domain_adaptation_images"),
)
OFFICEHOME = Layout(
    name="officehome",
    summary="65 things of office and home in four styles (arXiv:1706.07522)",
    image_size=224,
    folders={
        "art": ("Art",),
        "clipart": ("Clipart",),
        "product": ("Product",),
        "real_world": ("Real World", "RealWorld", "Real_World", "Real"),
    },
    expected=(
        "Art/<class>/*.jpg, Clipart/, Product/ and 'Real World/' likewise;",
        "the folder OfficeHomeDataset_10072016/ of the archive may lie between",
    ),
    published={"art": (2427,), "clipart": (4365,), "product": (4439,), "real_world": (4357,)},
    inside=("", "OfficeHomeDataset_10072016", "OfficeHome", "office_home"),
)

_DOMAINNET = {
    "clipart": (33525, 14604),
    "infograph": (36023, 15582),
    "painting": (50416, 21850),
    "quickdraw": (120750, 51750),
    "real": (120906, 52041),
    "sketch": (48212, 20916),
}


def _domainnet_list(domain: str, part: str) -> ListFile:
    file = f"{domain}_{part}.txt"
    return ListFile((file, f"splits/{file}", f"txt/{file}"), held_out=part == "test")


DOMAINNET = Layout(
    name="domainnet",
    summary="345 classes in six styles, with an official division (arXiv:1812.01754)",
    image_size=224,
    folders={name: (name,) for name in _DOMAINNET},
    expected=(
        "clipart/<class>/*.jpg, infograph/, painting/, quickdraw/, real/ and sketch/ likewise;",
        "clipart_train.txt, clipart_test.txt, ... beside them or in splits/: with both lists of a",
        "domain only its training part is trained on and only its test part tested on",
    ),
    published={name: (sum(parts),) for name, parts in _DOMAINNET.items()},
    lists={
        name: (_domainnet_list(name, "train"), _domainnet_list(name, "test"))
        for name in _DOMAINNET
    },
    inside=("", "DomainNet", "domain_net", "domainnet"),
)
VISDA2017 = Layout(
    name="visda2017",
    summary="12 classes, from renderings (train) to photographs (arXiv:1710.06924)",
    image_size=224,
    folders={name: (name,) for name in ("train", "validation", "test")},
    expected=(
        "train/<class>/*.png with train/image_list.txt, validation/<class>/*.jpg with",
        "validation/image_list.txt, test/trunk*/*.jpg with test/image_list.txt (with labels)",
    ),
    published={"train": (152397,), "validation": (55388,), "test": (72372,)},
    lists={
        name: (ListFile((f"{name}/image_list.txt",), folder=name),)
        for name in ("train", "validation", "test")
    },
    labels=(
        *("aeroplane", "bicycle", "bus", "car", "horse", "knife"),
        *("motorcycle", "person", "plant", "skateboard", "train", "truck"),
    ),
    inside=("", "visda2017", "VisDA2017", "visda"),
)


def folder_benchmark(place: DataPlace) -> TreeBenchmark:
    """Any `<root>/<domain>/<class>/<image>`: the domains are the folders that are there."""
    root = place.root or default_root("folder")
    names = class_folders(root) if root.is_dir() else ()
    layout = Layout(
        name="folder",
        summary="any folder of pictures, <root>/<domain>/<class>/*.jpg or *.png",
        image_size=224,
        folders={name: (name,) for name in names},
        expected=("<domain>/<class>/*.jpg or *.png, with the same classes in every domain",),
    )
    return TreeBenchmark(layout, place)
