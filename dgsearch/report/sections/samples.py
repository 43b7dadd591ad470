"""What trials stored to look at: features in the plane, pictures, the teacher's confidence.

A stored sample is text from outside: it is checked before it is drawn, and named if it is broken.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from dgsearch.report.figures.samples import histogram_figure, projection_figure
from dgsearch.report.parts import Block, Figure, Note, Picture, Rows, Section, Table, Warn
from dgsearch.report.study_data import Sample
from dgsearch.report.view import StudyView
from dgsearch.report.words import number_cell, short_cell
from dgsearch.wording import plural

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_POINTS = 1500


def _png(text: str) -> str:
    """The text if it is a PNG picture in base64."""
    if not base64.b64decode(text, validate=True).startswith(_PNG):
        raise ValueError("is not a PNG picture")
    return text


_Sprite = Annotated[str, Field(max_length=2_000_000), AfterValidator(_png)]
_Point = tuple[str, int, float, float]


class _Pictures(BaseModel):
    rows: list[str] = Field(min_length=1, max_length=40)
    sprite: _Sprite


class Features(_Pictures):
    """Features in the plane, with pictures of what they belong to."""

    points: list[_Point] = Field(max_length=20_000)
    variance: float
    own_is_nearest: float


class Confidence(BaseModel):
    """How many generated images the teacher is sure of to which degree, in equal bins of 0..1."""

    counts: list[int] = Field(min_length=1, max_length=100)


def sample_sections(view: StudyView) -> Iterator[Section]:
    """One section for all samples that are shown; nothing where none is stored."""
    samples = view.data.samples
    if not samples:
        return
    first = view.trials.set_index("trial_number")
    blocks: list[Block] = [
        Note(
            f"From the last epoch of {plural(len({s.trial_number for s in samples}), 'trial')}, "
            f"one of each configuration; {view.data.stored_samples} are stored."
        )
    ]
    for place, sample in enumerate(samples, start=1):
        trial = first.loc[sample.trial_number]
        of = f"trial {sample.trial_number} ({view.name_of(trial.to_dict())})"
        try:
            blocks += _blocks(sample, of, place)
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(str(part) for part in problem["loc"])
            blocks.append(
                Warn(f"{sample.name} of {of} cannot be shown: {where}: {problem['msg']}")
            )
    yield Section("samples", "Stored samples", blocks)


def _blocks(sample: Sample, of: str, place: int) -> list[Block]:
    content = sample.content
    if sample.name == "features":
        return _features(Features.model_validate(content), of, place)
    if sample.name == "images":
        pictures = _Pictures.model_validate(content)
        caption = f"Generated, anchor and mixed images of {of}"
        return [Picture(pictures.sprite, pictures.rows, caption)]
    if sample.name == "teacher_confidence":
        return [_confidence(Confidence.model_validate(content).counts, of, place)]
    return [Note(f"A sample named {sample.name} of {of} is stored; this page cannot show it.")]


def _features(content: Features, of: str, place: int) -> list[Block]:
    points: list[Any] = list(content.points[:_MOST_POINTS])
    rows: Rows = [
        [kind, short_cell(label), number_cell(x, 3), number_cell(y, 3)]
        for kind, label, x, y in points
    ]
    cut = (
        f" The first {_MOST_POINTS} of {len(content.points)} points."
        if len(points) < len(content.points)
        else ""
    )
    figure = Figure(
        f"features-{place}",
        projection_figure(points),
        f"Features of {of} on the first two principal axes of the real ones, which hold "
        f"{content.variance * 100:.0f} % of their variance.{cut}",
        Table(f"features-{place}", ("kind", "label", "x", "y"), rows, (False, True, True, True)),
    )
    caption = (
        f"Pictures of {of}. The real vector nearest to a synthetic one is that of its own source "
        f"image in {content.own_is_nearest * 100:.0f} % of cases"
    )
    return [figure, Picture(content.sprite, content.rows, caption)]


def _confidence(counts: list[int], of: str, place: int) -> Figure:
    edges = [share / len(counts) for share in range(len(counts) + 1)]
    bins = [f"{low:.2g} to {high:.2g}" for low, high in itertools.pairwise(edges)]
    rows: Rows = [[name, short_cell(count)] for name, count in zip(bins, counts, strict=True)]
    return Figure(
        f"confidence-{place}",
        histogram_figure(bins, counts, titles=("confidence of the teacher", "generated images")),
        f"Confidence of the teacher of {of} on generated images.",
        Table(f"confidence-{place}", ("confidence", "images"), rows, (False, True)),
        height_px=320,
    )
