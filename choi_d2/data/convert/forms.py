"""The forms that are converted, and how each is told from the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from choi_d2.utils import InputError

from . import coco_relations, cvat, datumaro, hoia, instances, label_studio, official
from .content import ContentBuilder
from .source import Options, Source


@dataclass(frozen=True)
class Form:
    """A form.

    Attributes:
        name: as it is typed.
        help: one line.
        matches: is a file of this form?
        read: hands what is in a file to a builder.
    """

    name: str
    help: str
    matches: Callable[[Source], bool]
    read: Callable[[Source, Options, ContentBuilder], None]


FORMS = (
    Form("hoia", "HOI-A's and PPDM's JSON, with lists of names", hoia.matches, hoia.read),
    Form(
        "instances",
        "instances_*.json as of fredzzhang's HICO-DET and V-COCO",
        instances.matches,
        instances.read,
    ),
    Form(
        "coco-relations",
        "COCO with rel_annotations, as of SGG-Benchmark",
        coco_relations.matches,
        coco_relations.read,
    ),
    Form(
        "label-studio",
        "Label Studio's JSON export with relations",
        label_studio.matches,
        label_studio.read,
    ),
    Form("cvat", "CVAT for images 1.1, an XML or its zip", cvat.matches, cvat.read),
    Form("datumaro", "Datumaro's JSON, as CVAT exports it", datumaro.matches, datumaro.read),
    Form("vcoco", "V-COCO's actions", official.is_vcoco, official.read_vcoco),
    Form(
        "hicodet",
        "HICO-DET: anno_bbox.mat, trainval_hico.json",
        official.is_hicodet,
        official.read_hicodet,
    ),
)


def find_form(source: Source, name: str | None = None) -> Form:
    """The form of a file.

    Args:
        source: the file.
        name: what it is said to be; by default that is told by its content.

    Raises:
        InputError: there is no form of that name, or the file is of none, or of several.
    """
    names = ", ".join(form.name for form in FORMS)
    if name is not None:
        named = next((form for form in FORMS if form.name == name), None)
        if named is None:
            raise InputError(f"expected one of {names}, found {name!r}", field="--form")
        if not named.matches(source):
            found = [form.name for form in FORMS if form.matches(source)]
            hint = f"Is it {found[0]}?" if found else _hint(source)
            raise InputError(
                f"expected {named.help}, found something else", path=source.path, hint=hint
            )
        return named
    found = [form for form in FORMS if form.matches(source)]
    if len(found) == 1:
        return found[0]
    if found:
        which = " or ".join(form.name for form in found)
        raise InputError(f"it may be {which}", path=source.path, hint="Say --form.")
    problem = f"expected annotations of one of the forms {names}, found something else"
    raise InputError(problem, path=source.path, hint=_hint(source))


def _hint(source: Source) -> str | None:
    """What a file may be that is of no form."""
    if {"verbs", "interactions"} <= source.keys:
        return "It is in this package's format already: train on it."
    if {"images", "annotations", "categories"} <= source.keys:
        return "It is COCO without rel_annotations: nothing in it says who does what."
    if isinstance(source.content, list) and not source.content:
        return "It is an empty list."
    if source.is_xml:
        return f"Its root is <{source.content.tag}>; of CVAT export 'CVAT for images 1.1'."
    if {"label", "annotation_id"} & set(source.first) and "annotations" not in source.first:
        return "Label Studio's JSON-MIN has no relations: export JSON."
    return f"Its keys are {sorted(source.keys or source.first)[:12]}."
