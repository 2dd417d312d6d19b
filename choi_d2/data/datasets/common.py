"""What the loaders share: images on disk, instances that may be left out, pairs of the others."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence

from detectron2.structures import BoxMode

from choi_d2.data.image_sizes import MissingFileError, cache_path, read_image_sizes
from choi_d2.data.masks import report_masks
from choi_d2.data.validation import Problems
from choi_d2.utils import InputError


def clip_box(box: Sequence[float], width: int, height: int) -> list[float]:
    """``[x1, y1, x2, y2]`` cut to the image ``[0, width] x [0, height]``."""
    x1, y1, x2, y2 = box
    return [
        min(max(x1, 0.0), float(width)),
        min(max(y1, 0.0), float(height)),
        min(max(x2, 0.0), float(width)),
        min(max(y2, 0.0), float(height)),
    ]


def has_area(box: Sequence[float]) -> bool:
    """Is ``[x1, y1, x2, y2]`` wider and higher than nothing?"""
    return box[2] > box[0] and box[3] > box[1]


def existing_images(
    image_root: str | os.PathLike,
    names: Sequence[str],
    problems: Problems,
    json_file: str | os.PathLike,
) -> dict[str, tuple[int, int]]:
    """Heights and widths of the images that are there and can be opened.

    Reports ``missing image`` and ``broken image``, and ``no image found`` where that is all of
    them: then the folder is the wrong one.
    """
    cache_file = cache_path(json_file, ".upright_sizes.json")
    sizes = read_image_sizes(image_root, names, cache_file)
    missing = [name for name, size in sizes.items() if isinstance(size, MissingFileError)]
    if names and len(missing) == len(sizes):
        message = (
            f"none of the {len(sizes)} images is in {image_root}, for example no {missing[0]}; "
            "datasets/README.md gives the folder tree, DETECTRON2_DATASETS its root"
        )
        problems.add("no image found", message)
        return {}
    for name, size in sizes.items():
        if isinstance(size, MissingFileError):
            problems.add("missing image", f"no such image: {size.path}", image=name)
        elif isinstance(size, InputError):
            problems.add("broken image", size.problem, image=name, file=size.path)
    return {name: size for name, size in sizes.items() if not isinstance(size, InputError)}


def finish_loading(
    records: Sequence[dict], problems: Problems, logger: logging.Logger | None
) -> None:
    """What can only be said of a whole data set: its masks, and whether anything is left.

    Args:
        records: what was loaded.
        problems: where it is reported.
        logger: logs all that was reported; None leaves that to the caller.
    """
    report_masks(records, problems)
    if any("annotations" in record for record in records):
        numbers = usable_numbers(records)
        if not numbers["instances"]:
            crowds = f", {numbers['crowds']} crowds" if numbers["crowds"] else ""
            message = f"not one instance in {len(records)} images{crowds}"
            problems.add("no instance", message)
        elif not numbers["triplets"]:
            message = f"not one triplet in {len(records)} images that can be used"
            problems.add("no triplet", message)
    if logger is not None:
        problems.log(logger)


def usable_numbers(records: Iterable[Mapping]) -> dict[str, int]:
    """How many images, instances, pairs and triplets there are to learn from, and how many crowds,
    which are none of these.
    """
    numbers = dict.fromkeys(("images", "instances", "pairs", "triplets", "crowds"), 0)
    for record in records:
        is_crowd = [bool(each.get("iscrowd", 0)) for each in record.get("annotations", ())]
        pairs = [
            pair
            for pair in record.get("interactions", ())
            if not is_crowd[pair["human"]] and not is_crowd[pair["object"]]
        ]
        numbers["images"] += 1
        numbers["crowds"] += sum(is_crowd)
        numbers["instances"] += len(is_crowd) - sum(is_crowd)
        numbers["pairs"] += len(pairs)
        numbers["triplets"] += sum(len(pair["verbs"]) for pair in pairs)
    return numbers


class RecordBuilder:
    """Instances and pairs of one image as a dataset record.

    The data set's own instance ids (positions or ids) go in; those that are left out take their
    pairs with them, and the others are numbered from 0.

    Args:
        image: what the data set calls the image, for messages.
        height, width: of the image, in pixels.
        problems: where blemishes are reported.
    """

    def __init__(self, image: str | int, height: int, width: int, problems: Problems):
        self.image, self.height, self.width, self.problems = image, height, width, problems
        self.annotations: list[dict] = []
        self._index_of_id: dict[int, int | None] = {}
        self._verbs_of_pair: dict[tuple[int, int], list[int]] = {}

    def add_instance(
        self, instance_id: int, box: Sequence[float], category_id: int, *, field: str, **extra
    ) -> None:
        """Add an instance.

        Args:
            instance_id: the data set's name for it.
            box: absolute ``[x1, y1, x2, y2]``.
            category_id: contiguous.
            field: where it stands, for messages.
            extra: further keys of the annotation, such as ``segmentation``.
        """
        clipped = self.clip(box, field=f"{field}.bbox")
        if clipped is None:
            self.leave_out(instance_id)
            return
        self._index_of_id[instance_id] = len(self.annotations)
        annotation = {
            "bbox": clipped,
            "bbox_mode": BoxMode.XYXY_ABS,
            "category_id": category_id,
            "iscrowd": 0,
            **extra,
        }
        self.annotations.append(annotation)
        if annotation["iscrowd"]:
            message = (
                "it is marked as a crowd; if it is one instance, as some tools mark every "
                "run-length mask, write 0"
            )
            self._report("crowd", message, f"{field}.iscrowd")

    def clip(self, box: Sequence[float], *, field: str) -> list[float] | None:
        """A box cut to the image, or None where nothing is left of it; either is reported.

        Args:
            box: absolute ``[x1, y1, x2, y2]``.
            field: where it stands, for messages.
        """
        clipped = clip_box(box, self.width, self.height)
        if not has_area(clipped):
            where = f" inside the image of {self.width} x {self.height}" if has_area(box) else ""
            message = f"the box {_text(box)} has no area{where}"
            self._report("box without area", message, field)
            return None
        if clipped != list(box):
            message = f"{_text(box)} reaches out of the image of {self.width} x {self.height}"
            self._report("box partly outside", message, field)
        return clipped

    def leave_out(self, instance_id: int) -> None:
        """Note that the data set has this instance although the record has not."""
        self._index_of_id[instance_id] = None

    def find_pair(
        self, human_id: int, object_id: int, *, fields: tuple[str, str]
    ) -> tuple[int, int] | None:
        """Where a pair's ends are in the record, or None with the reason reported.

        Args:
            human_id, object_id: the data set's names of the ends.
            fields: where each of them stands, for messages.
        """
        ends = dict(zip((human_id, object_id), fields, strict=True))
        unknown = [end for end in ends if end not in self._index_of_id]
        for end in unknown:
            self._report("dangling id", f"there is no instance {end} in this image", ends[end])
        if unknown:
            return None
        human, target = self._index_of_id[human_id], self._index_of_id[object_id]
        if human is None or target is None:
            left_out, field = (human_id, fields[0]) if human is None else (object_id, fields[1])
            self._report("pair of a left-out instance", f"instance {left_out} was left out", field)
            return None
        return human, target

    def add_triplet(self, human: int, object: int, verb: int, *, field: str) -> None:
        """Add a verb to a pair.

        Args:
            human, object: indices into the record's annotations.
            verb: contiguous.
            field: where it stands, for messages.
        """
        if any(self.annotations[end]["iscrowd"] for end in (human, object)):
            self._report("pair of a crowd", "one of its ends is a crowd", field)
        verbs = self._verbs_of_pair.setdefault((human, object), [])
        if verb in verbs:
            self._report("repeated triplet", "the same pair has this verb already", field)
        else:
            verbs.append(verb)

    def interactions(self) -> list[dict]:
        """One entry for each ordered pair, in order of appearance."""
        return [
            {"human": human, "object": object, "verbs": sorted(verbs)}
            for (human, object), verbs in self._verbs_of_pair.items()
        ]

    def _report(self, kind: str, message: str, field: str) -> None:
        self.problems.add(kind, message, image=self.image, field=field)


def _text(box: Sequence[float]) -> str:
    return f"[{', '.join(f'{number:g}' for number in box)}]"
