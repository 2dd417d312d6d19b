"""Collects images, instances and triplets by name, and makes the JSON of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from choi_d2.data.validation import Problems
from choi_d2.utils import InputError, read_json

HUMAN_NAMES = ("person", "human")
_MOST_PIXELS = 1 << 20
"""More than any picture has in a row or column."""


class ContentBuilder:
    """The content of a data set of your own.

    Images and instances are numbered from 1 in the order in which they come. Classes and verbs are
    numbered as they were declared; what was not declared follows in the order of the alphabet. So
    the same file gives the same JSON.

    Args:
        problems: where blemishes are reported.
        humans: names of categories that are people; they become one with those called person or
            human, whatever their case.
        like: a JSON of this format whose classes and verbs come first, with their ids.

    Raises:
        InputError: ``like`` is no such JSON.
    """

    def __init__(
        self,
        problems: Problems,
        *,
        humans: Iterable[str] = (),
        like: str | os.PathLike | None = None,
    ):
        self.problems = problems
        self._category_ids: dict[str, int] = {}
        self._verb_ids: dict[str, int] = {}
        self._takes_object: dict[str, bool] = {}
        self._human = HUMAN_NAMES[0]
        self._humans = set(humans)
        self._images: dict[str, dict] = {}
        self._annotations: list[dict] = []
        self._triplets: dict[tuple[int, int | None, str], tuple[str | int, str]] = {}
        self._allowed: dict[tuple[str, str], None] = {}
        if like is not None:
            self._read_like(like)

    # ------------------------------------------------------------------------ classes and verbs
    def declare(self, categories: Iterable[str] = (), verbs: Iterable[str] = ()) -> None:
        """Give classes and verbs their ids, in this order, whether they occur or not."""
        for name in categories:
            _number(self._category_ids, self._category(name))
        for name in verbs:
            _number(self._verb_ids, name.strip())

    def allow(self, verb: str, category: str) -> None:
        """This verb may have this object, and no others but those that are named so."""
        self._allowed[verb.strip(), self._category(category)] = None

    def is_human(self, category: str) -> bool:
        """Is a category of this name one of people?"""
        return self._category(category) == self._human

    def _category(self, name: str) -> str:
        name = name.strip()
        return self._human if name in self._humans or name.lower() in HUMAN_NAMES else name

    # ----------------------------------------------------------------------------------- images
    def add_image(self, file_name: str, width: int, height: int) -> dict:
        """An image, as it will be in the JSON.

        Raises:
            InputError: it is there already, or its size is none.
        """
        if file_name in self._images:
            self.problems.add("duplicate image", "the image is there twice", image=file_name)
        for key, pixels in (("width", width), ("height", height)):
            number = self.problems.integer({key: pixels}, key, image=file_name)
            if not 0 < number <= _MOST_PIXELS:
                message = f"expected a number of pixels from 1 on, found {number}"
                self.problems.add("bad number", message, image=file_name, field=key)
        self._images[file_name] = {
            "id": len(self._images) + 1,
            "file_name": file_name,
            "height": int(height),
            "width": int(width),
        }
        return self._images[file_name]

    def add_instance(
        self, image: Mapping, category: str, box: Sequence[float], **extra: Any
    ) -> int:
        """An instance of an image.

        Args:
            image: as :meth:`add_image` returned it.
            category: its name.
            box: absolute ``[x1, y1, x2, y2]``.
            extra: further keys of the annotation; those that are None are left out.

        Returns:
            its id.
        """
        x1, y1, x2, y2 = (round(float(number), 3) for number in box)
        mask = extra.get("segmentation")
        if isinstance(mask, Mapping) and isinstance(mask["counts"], bytes):
            extra["segmentation"] = {**mask, "counts": mask["counts"].decode("ascii")}
        self._annotations.append(
            {
                "id": len(self._annotations) + 1,
                "image_id": image["id"],
                "category_id": self._category(category),
                "bbox": [x1, y1, round(x2 - x1, 3), round(y2 - y1, 3)],
                "iscrowd": 0,
                **{key: value for key, value in extra.items() if value is not None},
            }
        )
        return len(self._annotations)

    def add_triplet(
        self, human: int, target: int | None, verb: str, *, image: str | int, field: str
    ) -> None:
        """A human does something with an object, or does something.

        Args:
            human, target: ids of instances; None: no object.
            verb: its name.
            image, field: where it stands, for messages.
        """
        category = self._annotations[human - 1]["category_id"]
        kind = message = None
        if category != self._human:
            kind, message = "subject is no human", f"the subject is no human but a {category}"
        elif human == target:
            kind, message = "related to itself", "subject and object are the same instance"
        elif (human, target, verb.strip()) in self._triplets:
            kind, message = "repeated triplet", f"the same pair has the verb {verb!r} already"
        if kind is not None:
            self.problems.add(kind, message, image=image, field=field)
        else:
            self._triplets[human, target, verb.strip()] = (image, field)

    # ---------------------------------------------------------------------------------- results
    def content(self) -> dict[str, list]:
        """The JSON.

        Raises:
            InputError: there is no image, no verb, or no category of people.
        """
        if not self._images:
            raise InputError("no image is left", path=self.problems.file)
        used = {annotation["category_id"] for annotation in self._annotations}
        for name in sorted(used, key=lambda name: (name != self._human, name)):
            _number(self._category_ids, name)
        for name in sorted({verb for _, _, verb in self._triplets}):
            _number(self._verb_ids, name)
        if self._human not in self._category_ids:
            raise InputError(
                f"expected a category of people, found {', '.join(self._category_ids) or 'none'}",
                path=self.problems.file,
                hint="Say which ones are people: --human man woman.",
            )
        with_object = {verb for _, target, verb in self._triplets if target is not None}
        without = {verb for _, target, verb in self._triplets if target is None} - with_object
        takes = {verb: verb not in without for verb in self._verb_ids} | self._takes_object
        if not takes:
            hint = "docs/own_dataset.md says how each form tells them."
            raise InputError("there is no interaction", path=self.problems.file, hint=hint)
        content = {
            "categories": [{"id": own, "name": n} for n, own in self._category_ids.items()],
            "verbs": [
                {"id": own, "name": name, "takes_object": takes[name]}
                for name, own in self._verb_ids.items()
            ],
            "images": list(self._images.values()),
            "annotations": [
                annotation | {"category_id": self._category_ids[annotation["category_id"]]}
                for annotation in self._annotations
            ],
            "interactions": self._interactions(takes),
        }
        if self._allowed:
            content["allowed_interactions"] = [
                {"verb_id": self._verb_ids[verb], "category_id": self._category_ids[category]}
                for verb, category in self._allowed
            ]
        return content

    def _interactions(self, takes: Mapping[str, bool]) -> list[dict]:
        interactions = []
        for (human, target, verb), (image, field) in self._triplets.items():
            if takes[verb] != (target is not None):
                found = "one without" if takes[verb] else "one with"
                rule = "takes an object" if takes[verb] else "takes none"
                message = f"{verb!r} {rule} elsewhere, this is {found}"
                self.problems.add("verb and object do not fit", message, image=image, field=field)
                continue
            interactions.append(
                {"human_id": human, "object_id": target, "verb_id": self._verb_ids[verb]}
            )
        return interactions

    def _read_like(self, like: str | os.PathLike) -> None:
        problems = Problems(like)
        content = read_json(like, dict)
        for key, ids in (("categories", self._category_ids), ("verbs", self._verb_ids)):
            for position, entry in enumerate(problems.value(content, key, list)):
                where = f"{key}[{position}]"
                name = problems.value(entry, "name", str, where=where).strip()
                ids[name] = problems.integer(entry, "id", where=where)
                if key == "verbs":
                    takes = problems.flag(entry, "takes_object", default=True, where=where)
                    self._takes_object[name] = takes
        if self._human not in self._category_ids and HUMAN_NAMES[1] in self._category_ids:
            self._human = HUMAN_NAMES[1]


def _number(ids: dict[str, int], name: str) -> None:
    """Give a name the next id, if it has none."""
    if name not in ids:
        ids[name] = max(ids.values(), default=0) + 1
