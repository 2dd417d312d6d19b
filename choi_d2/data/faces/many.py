"""The faces of many images as one JSON file, which goes on where it was stopped."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detectron2.data import DatasetCatalog, MetadataCatalog
from tqdm import tqdm

from choi_d2.pictures import read_picture
from choi_d2.utils import InputError

from .cache import read_face_cache, save_face_cache
from .protocol import FaceDetector

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


@dataclass(frozen=True)
class FacesOfMany:
    """What was found.

    Attributes:
        faces: name -> records, of all images that could be read.
        found_now: how many of them this run has looked at.
        unreadable: names of images that cannot be read.
    """

    faces: dict[str, list[dict]]
    found_now: int = 0
    unreadable: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """``images``, ``now``, ``faces`` (counts) and ``unreadable`` (names)."""
        return {
            "images": len(self.faces),
            "now": self.found_now,
            "faces": sum(map(len, self.faces.values())),
            "unreadable": self.unreadable,
        }

    def __str__(self) -> str:
        counts = Counter(min(len(records), 4) for records in self.faces.values())
        total = sum(map(len, self.faces.values()))
        spread = ", ".join(f"{n if n < 4 else '4+'}: {counts[n]}" for n in range(5))
        lines = [
            f"{len(self.faces)} images ({self.found_now} of them now), {total} faces, "
            f"{total / len(self.faces):.2f} per image",
            f"images by number of faces: {spread}",
        ]
        if self.unreadable:
            more = ", ..." if len(self.unreadable) > 5 else ""
            names = ", ".join(self.unreadable[:5])
            lines.append(f"skipped as unreadable: {len(self.unreadable)} ({names}{more})")
        return "\n".join(lines)


def find_faces(
    images: dict[str, Path],
    detector: FaceDetector,
    output: Path,
    *,
    overwrite: bool = False,
    flush_every: int = 500,
) -> FacesOfMany:
    """Find the faces of images and write them; what ``output`` has already is not done again.

    Args:
        images: name -> file.
        detector: what finds the faces.
        output: the JSON file.
        overwrite: begin anew.
        flush_every: images between two writes.

    Raises:
        InputError: no detector, none of the images is readable, or another detector wrote
            ``output``.
    """
    if detector.name == "none":
        raise InputError(
            "no face detector is installed", hint="pip install 'opencv-python<5' brings one."
        )
    faces = {} if overwrite else _faces_so_far(output, detector)
    todo = [name for name in images if name not in faces]
    unreadable = detect(images, todo, detector, faces, output, flush_every)
    if len(unreadable) == len(images):
        raise InputError(f"none of the {len(images)} images can be read", image=unreadable[0])
    found = {name: faces[name] for name in images if name in faces}
    return FacesOfMany(found, len(todo) - len(unreadable), unreadable)


def detect(
    images: dict[str, Path],
    todo: Sequence[str],
    detector: FaceDetector,
    faces: dict[str, list[dict]],
    output: Path,
    flush_every: int,
) -> list[str]:
    """Add the faces of ``todo`` to ``faces``, and write them every ``flush_every`` images.

    Args:
        images: name -> file.
        todo: the names to work on.
        detector: what finds the faces.
        faces: name -> records; grows in place.
        output: the JSON file. What was found is also written when an error or Ctrl-C ends this.
        flush_every: images between two writes.

    Returns:
        the names of images that cannot be read; they are not in ``faces``.
    """
    unreadable = []
    try:
        for count, name in enumerate(tqdm(todo, unit="image", dynamic_ncols=True), start=1):
            try:
                image = read_picture(images[name])
            except InputError:
                unreadable.append(name)
                continue
            faces[name] = detector(image, file_name=name).to_records()
            if count % flush_every == 0:
                save_face_cache(output, faces, detector.description)
    finally:
        save_face_cache(output, faces, detector.description)
    return unreadable


def dataset_images(dataset: str, image_root: Path | None) -> dict[str, Path]:
    """Name relative to the image root -> file, for a registered data set.

    Args:
        dataset: its name.
        image_root: instead of the one in its metadata.

    Raises:
        InputError: the data set is unknown, empty, or has files outside of its image root.
    """
    if dataset not in DatasetCatalog:
        known = ", ".join(sorted(DatasetCatalog.list()))
        raise InputError(f"unknown data set {dataset!r}", hint=f"Registered are: {known}.")
    root = image_root or MetadataCatalog.get(dataset).get("image_root")
    if root is None:
        raise InputError(f"data set {dataset!r} has no image_root", hint="Give --image-root.")
    files = [Path(record["file_name"]) for record in DatasetCatalog.get(dataset)]
    return _relative_to(files, Path(root), f"data set {dataset!r}")


def folder_images(pattern: str, image_root: Path | None) -> dict[str, Path]:
    """Name relative to the image root -> file, for a folder (with all below it) or a glob.

    Args:
        pattern: the folder, or the glob; "**" stands for any number of folders.
        image_root: what names are relative to, instead of the folder, or the part of the glob
            before its first wildcard.

    Raises:
        InputError: there are no images, or some outside of ``image_root``.
    """
    folder = Path(pattern)
    if folder.is_dir():
        found = [path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES]
    else:
        found = [Path(path) for path in glob.glob(pattern, recursive=True)]
        while glob.has_magic(str(folder)) or folder.is_file():
            folder = folder.parent
    files = sorted(path for path in found if path.is_file())
    return _relative_to(files, image_root or folder, f"{pattern!r}")


def _relative_to(files: Sequence[Path], root: Path, source: str) -> dict[str, Path]:
    if not files:
        raise InputError(f"no images in {source}")
    images = {}
    # abspath, not resolve: it takes ".." out but leaves links alone, and images are often links.
    root = Path(os.path.abspath(root))
    for file in files:
        try:
            images[Path(os.path.abspath(file)).relative_to(root).as_posix()] = file
        except ValueError:
            raise InputError(
                f"expected images below {root}", path=file, hint="Give --image-root."
            ) from None
    return images


def _faces_so_far(output: Path, detector: FaceDetector) -> dict[str, list[dict]]:
    if not output.exists():
        return {}
    written_by, faces = read_face_cache(output)
    if written_by != detector.description:
        raise InputError(
            f"was written by {written_by!r}, and this is {detector.description!r}",
            path=output,
            field="detector",
            hint="Give --overwrite to begin anew, or another --output.",
        )
    return faces
