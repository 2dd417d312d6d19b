"""PIC's folders -> arrays. What is broken is an error that names its place; what the official
evaluator tolerates or stops at is noted, see docs/evaluation.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from choi_d2.categories.pic import (
    V1_GEOMETRIC_IDS,
    V1_RELATIONS,
    V2_GEOMETRIC_IDS,
    V2_RELATIONS,
)
from choi_d2.pictures import read_picture_size, turn_between
from choi_d2.utils import InputError, read_json
from choi_d2.utils.columns import column, integers, many_objects, numbers, shown

from .findings import Findings
from .pic import V2_EXCLUDED, RelationScene, pic_metrics_of_scenes
from .png import read_label_map


@dataclass(frozen=True)
class PICRules:
    """What differs between the releases: names and groups of the relations, images left out."""

    relations: tuple[str, ...]
    geometric_ids: tuple[int, ...]
    excluded: frozenset[str] = frozenset()


RULES = {
    "v1": PICRules(V1_RELATIONS, V1_GEOMETRIC_IDS),
    "v2": PICRules(V2_RELATIONS, V2_GEOMETRIC_IDS, V2_EXCLUDED),
}


def evaluate_pic_files(
    ground_truth: str | os.PathLike,
    predictions: str | os.PathLike,
    findings: Findings,
    *,
    version: str = "v2",
    images: str | os.PathLike | None = None,
) -> dict:
    """The official numbers of a folder of predictions.

    Args:
        ground_truth: folder with ``semantic/NAME.png``, ``instance/NAME.png``, ``relations.json``.
        predictions: such a folder, its relations with scores.
        findings: takes what was tolerated.
        version: ``"v1"`` or ``"v2"``: whose relation ids, and which images are left out.
        images: folder of the photos ``NAME.jpg``; where given, the ground truth's maps have to
            have their sizes.

    Returns:
        See :func:`choi_d2.evaluation.pic.pic_metrics`, and ``images``, how many were evaluated.

    Raises:
        InputError: a file or a field is broken.
    """
    truth = read_pic_truth(PICFolder.at(ground_truth), version, findings)
    folder = PICFolder.at(predictions)
    with many_objects():
        guessed = _read_predictions(folder, list(truth.relations), RULES[version], findings)

    def prediction(name: str) -> RelationScene | None:
        if guessed[name] is None:
            return None
        return RelationScene(*folder.read_maps(name), *guessed[name])

    scenes = [
        (partial(truth.scene, name, images), partial(prediction, name)) for name in truth.relations
    ]
    rules = RULES[version]
    return pic_metrics_of_scenes(scenes, rules.relations, rules.geometric_ids)


@dataclass(frozen=True)
class PICFolder:
    """Where annotations or predictions are: a JSON, and two folders of ``NAME.png``."""

    relations: Path
    semantic: Path
    instance: Path

    @classmethod
    def at(cls, root: str | os.PathLike) -> PICFolder:
        """The challenge's layout: ``relations.json``, ``semantic/``, ``instance/``."""
        root = Path(root)
        return cls(root / "relations.json", root / "semantic", root / "instance")

    def map_names(self) -> tuple[set[str], set[str]]:
        """Names of the images that have a semantic map, and of those that have the other."""
        return _pngs(self.semantic), _pngs(self.instance)

    def read_maps(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The semantic and the instance map."""
        semantic, instance = (
            read_label_map(f / f"{name}.png", name) for f in (self.semantic, self.instance)
        )
        return semantic, instance

    def missing_map(self, name: str) -> InputError:
        """The error for an image that has one map of the two."""
        paths = (folder / f"{name}.png" for folder in (self.semantic, self.instance))
        return InputError("no such file", path=next(p for p in paths if not p.exists()), image=name)


@dataclass(frozen=True)
class PICTruth:
    """A ground truth, with all that the official evaluator counts.

    Attributes:
        folder: where it is.
        relations: name -> (M, 3) (subject, object, relation), ids as in the files, of all images
            that count, in the official order.
    """

    folder: PICFolder
    relations: dict[str, np.ndarray]

    def scene(self, name: str, images: str | os.PathLike | None = None) -> RelationScene:
        """An image; its maps are read now.

        Args:
            name: a key of ``relations``.
            images: folder of the photos; where given, the maps have to have their sizes.

        Raises:
            InputError: a map is broken, or differs in size.
        """
        semantic, instance = self.folder.read_maps(name)
        _check_sizes(self.folder, name, semantic, instance, images)
        return RelationScene(semantic, instance, self.relations[name])


def read_pic_truth(folder: PICFolder, version: str, findings: Findings) -> PICTruth:
    """Read a ground truth, apart from its maps.

    Args:
        folder: where it is.
        version, findings: see :func:`evaluate_pic_files`.

    Raises:
        InputError: a file or a field is broken.
    """
    rules = RULES[version]
    semantic, instance = folder.map_names()
    for name in sorted(semantic ^ instance):
        raise folder.missing_map(name)
    names = sorted(semantic - rules.excluded, key=lambda name: (name.lower(), name))
    if not names:
        raise InputError("the data set is empty: no PNG to evaluate", path=folder.semantic)
    with many_objects():
        found = _read_relations(folder.relations, names, rules, findings)
    annotated = {name: found[name][0] for name in names}
    if not any(map(len, annotated.values())):
        raise InputError("the data set is empty: no relation", path=folder.relations)
    _note_missing_groups(annotated, rules, folder.relations, findings)
    return PICTruth(folder, annotated)


def _pngs(folder: Path) -> set[str]:
    try:
        return {entry.name[:-4] for entry in os.scandir(folder) if entry.name.endswith(".png")}
    except OSError as error:
        raise InputError(f"no such folder ({error.strerror})", path=folder) from None


def _read_relations(
    path: Path, names: list[str], rules: PICRules, findings: Findings, *, scored: bool = False
) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    """name -> (M, 3) relations and (M,) scores, of all images in ``names``."""
    whose = "predicted" if scored else "ground-truth"
    entries = read_json(path, list)
    wanted, found = set(names), {}
    for position, entry in enumerate(entries):
        where = {"path": path, "field": f"[{position}]"}
        file_name = column([entry], "name", lambda _, where=where: where)[0]
        if not isinstance(file_name, str) or not file_name.endswith(".jpg"):
            problem = f"expected a name that ends in .jpg, found {shown(file_name)}"
            raise InputError(problem, path=path, field=f"[{position}].name")
        name = file_name[:-4]
        if name in rules.excluded:
            continue
        if name not in wanted:
            findings.note(f"{whose} relations of an image without PNG, ignored", **where)
            continue
        if name in found:
            if not scored:
                problem = "this image occurs more than once"
                raise InputError(problem, path=path, image=file_name)
            kind = "another prediction entry for the same image, the last one is taken"
            findings.note(kind, path=path, image=file_name)
        found[name] = _read_entry(entry, path, file_name, rules, findings, scored=scored)
    for name in names:
        if name not in found:
            kind = f"image without {whose} relations (the official evaluator stops), "
            kind += "all its relations are missed" if scored else "left out"
            findings.note(kind, path=path, image=f"{name}.jpg")
            found[name] = (np.zeros((0, 3), np.int64), np.zeros(0))
        elif not scored and not len(found[name][0]):
            kind = "image with an empty list of relations (the official evaluator stops), left out"
            findings.note(kind, path=path, image=f"{name}.jpg", field="relations")
    return found


def _read_entry(entry, path, image, rules: PICRules, findings: Findings, *, scored: bool):
    def place(key: str | None = None):
        def at(row: int) -> Mapping:
            field = f"relations[{row}]" + (f".{key}" if key else "")
            return {"path": path, "image": image, "field": field}

        return at

    whose = "predicted" if scored else "ground-truth"
    rows = column([entry], "relations", lambda _: {"path": path, "image": image})[0]
    if not isinstance(rows, list):
        problem = f"expected a list, found {shown(rows)}"
        raise InputError(problem, path=path, image=image, field="relations")
    columns = []
    for key in ("subject", "object", "relation"):
        ids, strings = integers(column(rows, key, place()), place(key))
        if len(strings):
            kind = f"{whose} {key} written as a string, read as an integer"
            findings.note(kind, count=len(strings), **place(key)(int(strings[0])))
        columns.append(ids)
    relations = np.stack(columns, axis=1)
    unknown = np.flatnonzero((columns[2] < 1) | (columns[2] > len(rules.relations)))
    if scored:
        if len(unknown):
            kind = f"predicted relation outside 1..{len(rules.relations)}, never matches"
            findings.note(kind, count=len(unknown), **place("relation")(int(unknown[0])))
        return relations, numbers(column(rows, "score", place()), place("score"))
    if len(unknown):
        problem = (
            f"expected a relation in 1..{len(rules.relations)}, found {columns[2][unknown[0]]}"
        )
        raise InputError(problem, **place("relation")(int(unknown[0])))
    itself = np.flatnonzero(columns[0] == columns[1])
    if len(itself):
        problem = "an instance is related to itself: subject and object are the same"
        raise InputError(problem, **place()(int(itself[0])))
    repeated = len(rows) - len(np.unique(relations, axis=0))
    if repeated:
        kind = "ground-truth relation listed again, each counts"
        findings.note(kind, path=path, image=image, field="relations", count=repeated)
    return relations, None


def _read_predictions(folder: PICFolder, names: list[str], rules: PICRules, findings: Findings):
    """name -> (relations, scores), or None where there are no maps to find them in."""
    semantic, instance = (found - rules.excluded for found in folder.map_names())
    for name in names:
        if (name in semantic) != (name in instance):
            raise folder.missing_map(name)
    root = folder.relations.parent
    for name in sorted((semantic | instance) - set(names)):
        kind = "predicted PNG of an image that the ground truth does not have (the official "
        findings.note(kind + "evaluator stops), ignored", path=root, image=name)
    predictions: dict = dict(_read_relations(folder.relations, names, rules, findings, scored=True))
    for name in names:
        if name not in semantic:
            kind = "image without predicted PNGs (the official evaluator stops), "
            findings.note(kind + "all its relations are missed", path=root, image=name)
            predictions[name] = None
    return predictions


def _note_missing_groups(annotated, rules: PICRules, path: Path, findings: Findings) -> None:
    present = {int(i) for relations in annotated.values() for i in relations[:, 2]}
    groups = {
        "geometric": present & set(rules.geometric_ids),
        "non-geometric": present - set(rules.geometric_ids),
    }
    for group, ids in groups.items():
        if not ids:
            kind = f"no {group} relation at all (the official evaluator stops), "
            findings.note(kind + "the mean is that of the others", path=path)


def _check_sizes(folder: PICFolder, name: str, semantic, instance, images) -> None:
    if semantic.shape != instance.shape:
        problem = (
            f"the instance map is {_size(instance)}, the semantic map {_size(semantic)}: "
            "they have to have the same size"
        )
        raise InputError(problem, path=folder.instance / f"{name}.png", image=name)
    if images is not None:
        photo = Path(images) / f"{name}.jpg"
        height, width = read_picture_size(photo)
        if semantic.shape != (height, width):
            turn, hint = turn_between((height, width), semantic.shape)
            problem = f"the maps are {_size(semantic)}, the photo {photo} is {width} x {height}"
            path = folder.semantic / f"{name}.png"
            raise InputError(f"{problem}{turn}", path=path, image=name, hint=hint)


def _size(label_map: np.ndarray) -> str:
    return f"{label_map.shape[1]} x {label_map.shape[0]}"
