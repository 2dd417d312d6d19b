"""Label Studio's JSON export: tasks with regions, and relations between them.

``[{"data": {"image": URL}, "annotations": [{"result": [...]}]}]``. A result is a region
(``rectanglelabels``, ``polygonlabels``, ``ellipselabels``, or a shape and its ``labels`` under one
id; in percent of ``original_width`` and ``original_height``), a relation (``from_id``, ``to_id``,
``direction``, ``labels``: the verbs), or a choice for a region whose name (``from_name``) is one of
:data:`.attributes.VERB_ATTRIBUTES`: a verb without object. Predictions are not read.
"""

from __future__ import annotations

from collections.abc import Mapping

from .attributes import VERB_ATTRIBUTES
from .content import ContentBuilder
from .label_studio_images import image_name
from .label_studio_regions import read_regions
from .source import Options, Source


def matches(source: Source) -> bool:
    """A list of tasks with annotations."""
    keys = set(source.first)
    return "data" in keys and bool({"annotations", "completions"} & keys)


def read(source: Source, options: Options, builder: ContentBuilder) -> None:
    """Read the tasks. One that nobody has annotated is left out; one with empty annotations is an
    image without instances.
    """
    problems = builder.problems
    for position, task in enumerate(source.content):
        where = f"[{position}]"
        if not problems.is_object(task, field=where):
            continue
        annotation = _annotation(task, where, builder)
        name = image_name(task, where, options.images, problems)
        if annotation is None:
            problems.add("not annotated", "no annotation was submitted", image=name, field=where)
            continue
        results = problems.value(annotation, "result", list, image=name, where=where)
        regions = read_regions(results, name, where, options.images, problems)
        if regions is None:
            continue
        image = builder.add_image(name, regions.width, regions.height)
        own_ids = {
            region.id: builder.add_instance(
                image, region.label, region.box, segmentation=region.segmentation
            )
            for region in regions.regions.values()
        }
        for place, result in enumerate(results):
            field = f"{where}.result[{place}]"
            if result.get("type") == "relation":
                _add_relation(result, own_ids, regions.left_out, name, field, builder)
            elif _is_verb(result, options):
                _add_choice(result, own_ids, name, field, builder)


def _annotation(task: Mapping, where: str, builder: ContentBuilder) -> Mapping | None:
    """The annotation that counts: the ground truth, or else the newest."""
    key = "annotations" if "annotations" in task else "completions"
    found = [
        each
        for each in builder.problems.value(task, key, list, where=where)
        if builder.problems.is_object(each, field=f"{where}.{key}")
        and not each.get("was_cancelled")
    ]
    if len(found) > 1:
        message = f"{len(found)} annotations, the ground truth or else the newest is taken"
        builder.problems.add("second annotation", message, field=f"{where}.{key}")
    order = [
        (bool(a.get("ground_truth")), str(a.get("updated_at", "")), i) for i, a in enumerate(found)
    ]
    return found[max(order)[2]] if order else None


def _is_verb(result: Mapping, options: Options) -> bool:
    names = {name.lower() for name in options.verb_attributes or VERB_ATTRIBUTES}
    return result.get("type") in ("choices", "taxonomy") and (
        str(result.get("from_name", "")).lower() in names
    )


def _add_relation(
    result: Mapping,
    own_ids: Mapping[str, int],
    left_out: set[str],
    image: str,
    field: str,
    builder: ContentBuilder,
) -> None:
    problems = builder.problems
    ends = [
        problems.value(result, key, str, image=image, where=field) for key in ("from_id", "to_id")
    ]
    missing = [end for end in ends if end not in own_ids]
    if missing:
        out = missing[0] in left_out
        kind = "pair of a left-out instance" if out else "dangling id"
        message = f"the region {missing[0]!r} {'was left out' if out else 'is not there'}"
        problems.add(kind, message, image=image, field=field)
        return
    verbs = result.get("labels") or []
    verbs = verbs if isinstance(verbs, list) else [verbs]
    if not verbs:
        message = "the relation has no label, which would be the verb"
        problems.add("relation without verb", message, image=image, field=field)
    first, second = (own_ids[end] for end in ends)
    direction = result.get("direction", "right")
    pairs = [(second, first)] if direction == "left" else [(first, second)]
    if direction == "bi":
        pairs.append((second, first))
    for verb in verbs:
        for human, target in pairs:
            builder.add_triplet(human, target, str(verb), image=image, field=field)


def _add_choice(
    result: Mapping, own_ids: Mapping[str, int], image: str, field: str, builder: ContentBuilder
) -> None:
    value = builder.problems.value(result, "value", dict, image=image, where=field)
    own = builder.problems.value(result, "id", str, image=image, where=field)
    if own not in own_ids:
        message = "the choice is for no region that was read"
        builder.problems.add("dangling id", message, image=image, field=field)
        return
    key = "choices" if "choices" in value else "taxonomy"
    for choice in builder.problems.value(value, key, list, image=image, where=f"{field}.value"):
        # Of a taxonomy's path, the last step.
        verb = choice[-1] if isinstance(choice, list) and choice else choice
        builder.add_triplet(own_ids[own], None, str(verb), image=image, field=field)
