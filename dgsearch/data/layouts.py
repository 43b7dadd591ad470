"""How the usual benchmarks are distributed, by their authors and by the common libraries.

Numbers of images are those of the publications: PACS arXiv:1710.03077, DomainNet
arXiv:1812.01754 (cleaned version, with its official lists), Office-31 (Saenko et al. 2010),
Office-Home arXiv:1706.07522, VisDA-2017 arXiv:1710.06924, VLCS (Fang et al. 2013, as in
arXiv:2007.01434). The totals of VLCS (10,729) and of Digits-DG (24,000) are also those of the
table of data sets in junkunyuan/Awesome-Domain-Generalization.

The trees and lists are those of the archives, of DomainBed, Dassl.pytorch
and TLlib; what a copy of another library looks like is said beside each.
"""

from __future__ import annotations

from collections.abc import Mapping

from dgsearch.data.trees import Layout, ListFile

_KFOLD = ("train", "crossval", "test")
_PRE_READ = "Train val splits and h5py files pre-read"  # folder of the PACS archive


def _kfold_lists(domain: str) -> tuple[ListFile, ...]:
    """The lists of PACS; that for testing repeats the other two, so it divides nothing."""
    return tuple(
        ListFile(
            tuple(
                f"{place}{domain}_{part}_kfold.txt" for place in ("splits/", "", f"{_PRE_READ}/")
            ),
            held_out=part == "test",
        )
        for part in _KFOLD
    )


def _image_lists(names: Mapping[str, str]) -> dict[str, tuple[ListFile, ...]]:
    """TLlib's `image_list/<name>.txt` of each domain."""
    return {domain: (ListFile((f"image_list/{name}.txt",)),) for domain, name in names.items()}


_PACS = ("art_painting", "cartoon", "photo", "sketch")

PACS = Layout(
    name="pacs",
    summary="photos, art paintings, cartoons and sketches of 7 classes (arXiv:1710.03077)",
    image_size=224,
    folders={name: (name,) for name in _PACS},
    expected=(
        "art_painting/<class>/*.jpg, cartoon/, photo/ and sketch/ (*.png) likewise;",
        "the folder PACS/, kfold/ or images/ of the archives may lie between;",
        "art_painting_train_kfold.txt, _crossval_kfold.txt, _test_kfold.txt, ... beside them or",
        "in splits/ are used where all three of a domain are there",
    ),
    published={
        "art_painting": (2048,),
        "cartoon": (2344,),
        "photo": (1670,),
        "sketch": (3929,),
    },
    labels=("dog", "elephant", "giraffe", "guitar", "horse", "house", "person"),
    lists={name: _kfold_lists(name) for name in _PACS},
    inside=("", "PACS", "kfold", "PACS/kfold", "pacs_data", "pacs/images", "images"),
    from_one=True,
    wrong_lines=("sketch/dog/n02103406_4068-1.png",),  # Dassl.pytorch leaves it out too
)
OFFICE31 = Layout(
    name="office31",
    summary="31 things of an office by Amazon, DSLR and webcam (Saenko et al. 2010)",
    image_size=224,
    folders={name: (f"{name}/images", name) for name in ("amazon", "dslr", "webcam")},
    expected=(
        "amazon/images/<class>/*.jpg, dslr/images/ and webcam/images/ likewise",
        "(also without images/); image_list/amazon.txt, ... of TLlib are used where they exist",
    ),
    lists=_image_lists({name: name for name in ("amazon", "dslr", "webcam")}),
    published={"amazon": (2817,), "dslr": (498,), "webcam": (795,)},
    inside=("", "office31", "office", "domain_adaptation_images"),
)
OFFICEHOME = Layout(
    name="officehome",
    summary="65 things of office and home in four styles (arXiv:1706.07522)",
    image_size=224,
    folders={
        "art": ("Art", "art"),
        "clipart": ("Clipart", "clipart"),
        "product": ("Product", "product"),
        "real_world": ("Real World", "RealWorld", "Real_World", "Real", "real_world"),
    },
    expected=(
        "Art/<class>/*.jpg, Clipart/, Product/ and 'Real World/' likewise;",
        "the folder OfficeHomeDataset_10072016/ of the archive may lie between;",
        "image_list/Art.txt, ... of TLlib are used where they exist",
    ),
    lists=_image_lists(
        {"art": "Art", "clipart": "Clipart", "product": "Product", "real_world": "Real_World"}
    ),
    published={"art": (2427,), "clipart": (4365,), "product": (4439,), "real_world": (4357,)},
    inside=("", "OfficeHomeDataset_10072016", "OfficeHome", "office_home", "office_home_dg"),
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
    places = ("", "splits/", "txt/", "image_list/")
    return ListFile(tuple(f"{place}{file}" for place in places), held_out=part == "test")


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
        name: (ListFile((f"{name}/image_list.txt", f"image_list/{name}.txt"), folder=name),)
        for name in ("train", "validation", "test")
    },
    labels=(
        *("aeroplane", "bicycle", "bus", "car", "horse", "knife"),
        *("motorcycle", "person", "plant", "skateboard", "train", "truck"),
    ),
    inside=("", "visda2017", "VisDA2017", "visda"),
)


_VLCS = {
    "caltech101": ("Caltech101", "CALTECH", "caltech"),
    "labelme": ("LabelMe", "LABELME", "labelme"),
    "sun09": ("SUN09", "SUN", "sun"),
    "voc2007": ("VOC2007", "PASCAL", "pascal"),
}
VLCS = Layout(
    name="vlcs",
    summary="photographs of 5 classes from four older data sets (Fang et al. 2013)",
    image_size=224,
    folders=_VLCS,
    expected=(
        "Caltech101/<class>/*.jpg, LabelMe/, SUN09/ and VOC2007/ likewise; or, as Dassl.pytorch",
        "has it, CALTECH/train/<number>/*.jpg with crossval/ and test/, LABELME/, PASCAL/, SUN/",
    ),
    published={
        "caltech101": (1415,),
        "labelme": (2656,),
        "sun09": (3282,),
        "voc2007": (3376,),
    },
    labels=("bird", "car", "chair", "dog", "person"),
    inside=("", "VLCS", "vlcs"),
)
TERRA_INCOGNITA = Layout(
    name="terra-incognita",
    summary="animals by four camera traps, 10 classes (arXiv:1807.04975)",
    image_size=224,
    folders={f"location_{number}": (f"location_{number}",) for number in (38, 43, 46, 100)},
    expected=(
        "location_38/<class>/*.jpg, location_43/, location_46/ and location_100/ likewise, as",
        "DomainBed makes them; the folder terra_incognita/ may lie between",
    ),
    labels=(
        *("bird", "bobcat", "cat", "coyote", "dog"),
        *("empty", "opossum", "rabbit", "raccoon", "squirrel"),
    ),
    inside=("", "terra_incognita", "TerraIncognita"),
)
DIGITS_DG = Layout(
    name="digits-dg",
    summary="digits of MNIST, MNIST-M, SVHN and SYN, 600 images a class (arXiv:2003.06054)",
    image_size=32,
    folders={name: (name,) for name in ("mnist", "mnist_m", "svhn", "syn")},
    expected=(
        "mnist/train/<digit>/*.jpg with mnist/val/, mnist_m/, svhn/ and syn/ likewise; the folder",
        "digits_dg/ of Dassl.pytorch may lie between; train/ and val/ are joined",
    ),
    published=dict.fromkeys(("mnist", "mnist_m", "svhn", "syn"), (6000,)),
    labels=tuple("0123456789"),
    inside=("", "digits_dg", "Digits-DG"),
)


def _mini_list(domain: str, part: str) -> ListFile:
    return ListFile((f"splits_mini/{domain}_{part}.txt",), held_out=part == "test")


MINI_DOMAINNET = Layout(
    name="mini-domainnet",
    summary="126 classes and four styles of DomainNet (arXiv:2003.07325)",
    image_size=96,
    folders={name: (name,) for name in ("clipart", "painting", "real", "sketch")},
    expected=(
        "the folders of DomainNet, with splits_mini/clipart_train.txt, clipart_test.txt, ... of",
        "Dassl.pytorch; they say which images and classes belong to it",
    ),
    lists={
        name: (_mini_list(name, "train"), _mini_list(name, "test"))
        for name in ("clipart", "painting", "real", "sketch")
    },
    inside=DOMAINNET.inside,
    needs_lists=True,
)
LAYOUTS = (
    *(PACS, DOMAINNET, OFFICE31, OFFICEHOME, VISDA2017),
    *(VLCS, TERRA_INCOGNITA, DIGITS_DG, MINI_DOMAINNET),
)
