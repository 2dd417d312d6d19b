"""Results as plain dicts and as lines of CSV, and back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError

if TYPE_CHECKING:
    from .results import HOIResult

CSV_COLUMNS = (
    *("file_name", "frame", "time", "verb", "object", "score", "human_index", "object_index"),
    *(f"{end}_{side}" for end in ("human", "object") for side in ("x1", "y1", "x2", "y2")),
    *("human_track", "object_track"),
)


def to_dict(result: HOIResult, *, masks: bool = False) -> dict[str, Any]:
    """See :meth:`HOIResult.to_dict`; boxes to a hundredth of a pixel, scores to a millionth."""
    content: dict[str, Any] = {"file_name": result.file_name}
    if result.frame is not None:
        content.update(frame=result.frame, time=_rounded(result.time, 4))
    height, width = result.image_size
    content.update(height=height, width=width)
    content["instances"] = [_instance(result, row, masks) for row in range(len(result.boxes))]
    content["triplets"] = [
        {
            "human": triplet.human_index,
            "verb": triplet.verb,
            "object": None if triplet.object is None else triplet.object_index,
            "score": round(triplet.score, 6),
        }
        for triplet in result.triplets
    ]
    if result.faces is not None:
        content["faces"] = [
            {"box": _rounded_box(box), "score": round(float(score), 6)}
            for box, score in zip(result.faces, result.face_scores, strict=True)
        ]
    content["vocabulary"] = result.vocabulary.to_dict()
    return content


def _instance(result: HOIResult, row: int, masks: bool) -> dict[str, Any]:
    instance: dict[str, Any] = {
        "box": _rounded_box(result.boxes[row]),
        "category": result.vocabulary.classes[result.classes[row]],
        "score": round(float(result.scores[row]), 6),
    }
    if result.track_ids is not None:
        instance["track"] = _number(result.track_ids[row])
    if masks and result.masks is not None:
        from choi_d2.visualization.masks import encode_mask

        instance["segmentation"] = encode_mask(result.masks[row])
    return instance


def from_dict(content: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of :class:`HOIResult` that :func:`to_dict` told.

    Raises:
        InputError: a key is missing or of another type; the message names it.
    """
    vocabulary = Vocabulary.from_dict(_get(content, "vocabulary", Mapping))
    size = _get(content, "height", int), _get(content, "width", int)
    instances = _dicts(content, "instances")
    triplets = _dicts(content, "triplets")
    arguments: dict[str, Any] = {
        "boxes": _boxes(instances, "instances"),
        "classes": _ids(instances, "category", vocabulary.classes, "instances"),
        "scores": _numbers(instances, "score", "instances"),
        "verbs": _ids(triplets, "verb", vocabulary.verbs, "triplets"),
        "triplet_scores": _numbers(triplets, "score", "triplets"),
        "pairs": _pairs(triplets, len(instances)),
        "image_size": size,
        "vocabulary": vocabulary,
        "file_name": content.get("file_name"),
        "frame": content.get("frame"),
        "time": content.get("time"),
    }
    if any("track" in instance for instance in instances):
        arguments["track_ids"] = _track_ids(instances)
    if instances and all("segmentation" in instance for instance in instances):
        from choi_d2.visualization.masks import decode_segmentation

        masks = [decode_segmentation(x["segmentation"], *size) for x in instances]
        arguments["masks"] = np.stack(masks)
    if content.get("faces") is not None:
        faces = _dicts(content, "faces")
        arguments["faces"] = _boxes(faces, "faces")
        arguments["face_scores"] = _numbers(faces, "score", "faces")
    return arguments


def to_csv(results: Iterable[HOIResult]) -> str:
    """The triplets of several results under one line of names, see :meth:`HOIResult.to_csv`."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for result in results:
        writer.writerows(csv_rows(result))
    return text.getvalue()


def csv_rows(result: HOIResult) -> Iterable[list]:
    """One row for each triplet, in the order of :data:`CSV_COLUMNS`."""
    for triplet in result.triplets:
        has_object = triplet.object is not None
        yield [
            result.file_name or "",
            "" if result.frame is None else result.frame,
            "" if result.time is None else _rounded(result.time, 4),
            triplet.verb,
            triplet.object or "",
            round(triplet.score, 6),
            triplet.human_index,
            triplet.object_index if has_object else "",
            *_rounded_box(triplet.human_box),
            *(_rounded_box(triplet.object_box) if has_object else [""] * 4),
            "" if triplet.human_track is None else triplet.human_track,
            "" if triplet.object_track is None else triplet.object_track,
        ]


# ------------------------------------------------------------------------------------- reading


def _get(content: Mapping, key: str, kind: type) -> Any:
    value = content.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"expected {kind.__name__}, found {type(value).__name__}", field=key)
    return value


def _dicts(content: Mapping, key: str) -> list[Mapping]:
    entries = _get(content, key, list)
    for position, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise InputError(
                f"expected an object, found {type(entry).__name__}", field=f"{key}[{position}]"
            )
    return entries


def _numbers(entries: Sequence[Mapping], key: str, where: str) -> np.ndarray:
    for position, entry in enumerate(entries):
        value = entry.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(
                f"expected a number, found {value!r}", field=f"{where}[{position}].{key}"
            )
    return np.array([entry[key] for entry in entries], np.float32)


def _boxes(entries: Sequence[Mapping], where: str) -> np.ndarray:
    boxes = []
    for position, entry in enumerate(entries):
        box = entry.get("box")
        is_box = isinstance(box, list) and len(box) == 4
        if not is_box or not all(isinstance(x, (int, float)) and np.isfinite(x) for x in box):
            raise InputError(
                f"expected four finite numbers, found {box!r}", field=f"{where}[{position}].box"
            )
        boxes.append(box)
    return np.array(boxes, np.float32).reshape(-1, 4)


def _ids(entries: Sequence[Mapping], key: str, names: Sequence[str], where: str) -> np.ndarray:
    ids = []
    for position, entry in enumerate(entries):
        name = entry.get(key)
        if name not in names:
            field = f"{where}[{position}].{key}"
            raise InputError(f"{name!r} is not in the vocabulary", field=field)
        ids.append(names.index(name))
    return np.array(ids, np.int64)


def _pairs(triplets: Sequence[Mapping], num_instances: int) -> np.ndarray:
    pairs = []
    for position, triplet in enumerate(triplets):
        human = triplet.get("human")
        object_ = human if triplet.get("object") is None else triplet["object"]
        for key, index in (("human", human), ("object", object_)):
            if type(index) is not int or not 0 <= index < num_instances:
                raise InputError(
                    f"expected the number of an instance, from 0 to {num_instances - 1}, found "
                    f"{index!r}",
                    field=f"triplets[{position}].{key}",
                )
        pairs.append((human, object_))
    return np.array(pairs, np.int64).reshape(-1, 2)


def _track_ids(instances: Sequence[Mapping]) -> np.ndarray:
    ids = [instance.get("track") for instance in instances]
    for position, number in enumerate(ids):
        if number is not None and (type(number) is not int or number < 0):
            raise InputError(
                f"expected a whole number or null, found {number!r}",
                field=f"instances[{position}].track",
            )
    return np.array([-1 if number is None else number for number in ids], np.int64)


def _number(track_id: int) -> int | None:
    return int(track_id) if track_id >= 0 else None


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(float(number), digits)


def _rounded_box(box: np.ndarray) -> list[float]:
    return [round(float(side), 2) for side in box]
