#!/usr/bin/env python
"""Find the faces of a data set's images, or of a folder's, and write them to a JSON file.

    python tools/detect_faces.py --dataset hoiw_train --output datasets/faces/hoiw_train.json
    python tools/detect_faces.py --images 'photos/*.jpg' --output faces.json --detector haar

Stopped half-way, it goes on where it was. docs/faces.md has the file's layout.
"""

from __future__ import annotations

import argparse
import glob
import logging
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from detectron2.config import get_cfg
from detectron2.data import DatasetCatalog, MetadataCatalog
from tqdm import tqdm

import choi_d2.data  # noqa: F401  (registers the data sets)
from choi_d2.config import add_choi_config
from choi_d2.data.faces import (
    FaceDetector,
    build_face_detector,
    read_face_cache,
    save_face_cache,
)
from choi_d2.pictures import read_picture
from choi_d2.utils import InputError

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        print(run(args))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from {args.output}", file=sys.stderr)
        return 130
    return 0


def run(args: argparse.Namespace) -> str:
    """Detect, write, and return the summary.

    Raises:
        InputError: no images, none of them readable, a detector that cannot be built, or an
            output file that another detector wrote.
    """
    if args.dataset is not None:
        images = dataset_images(args.dataset, args.image_root)
    else:
        images = folder_images(args.images, args.image_root)
    detector = _detector(args)
    faces = {} if args.overwrite else _faces_so_far(args.output, detector)
    todo = [name for name in images if name not in faces]
    unreadable = detect(images, todo, detector, faces, args.output, args.flush_every)
    if len(unreadable) == len(images):
        raise InputError(f"none of the {len(images)} images can be read", image=unreadable[0])
    return _summary({name: faces[name] for name in images if name in faces}, todo, unreadable)


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


def _detector(args: argparse.Namespace) -> FaceDetector:
    cfg = get_cfg()
    add_choi_config(cfg)
    cfg.INPUT.FACES.DETECTOR = args.detector
    cfg.INPUT.FACES.MODEL_FILE = args.model_file
    cfg.INPUT.FACES.SCORE_THRESH = args.score_thresh
    detector = build_face_detector(cfg)
    if detector.name == "none":
        raise InputError(
            "no face detector is installed", hint="pip install 'opencv-python<5' brings one."
        )
    return detector


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


def _summary(faces: dict[str, list[dict]], todo: Sequence[str], unreadable: Sequence[str]) -> str:
    counts = Counter(min(len(records), 4) for records in faces.values())
    total = sum(map(len, faces.values()))
    spread = ", ".join(f"{n if n < 4 else '4+'}: {counts[n]}" for n in range(5))
    lines = [
        f"{len(faces)} images ({len(todo) - len(unreadable)} of them now), {total} faces, "
        f"{total / len(faces):.2f} per image",
        f"images by number of faces: {spread}",
    ]
    if unreadable:
        more = ", ..." if len(unreadable) > 5 else ""
        lines.append(
            f"skipped as unreadable: {len(unreadable)} ({', '.join(unreadable[:5])}{more})"
        )
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--dataset", help="a registered data set")
    source.add_argument("--images", help="a folder, or a glob in quotes")
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    parser.add_argument(
        "--image-root",
        type=Path,
        help="file names are written relative to it (default: the data "
        "set's image root, the folder, or the part of the glob without wildcards)",
    )
    parser.add_argument("--detector", choices=("auto", "insightface", "haar"), default="auto")
    parser.add_argument("--model-file", default="", help="insightface: its local ONNX file")
    parser.add_argument("--score-thresh", type=_score, default=0.5, help="default: 0.5")
    parser.add_argument(
        "--flush-every", type=_positive, default=500, help="images between two writes"
    )
    parser.add_argument("--overwrite", action="store_true", help="begin anew")
    return parser


def _positive(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, found {text}")
    return int(text)


def _score(text: str) -> float:
    if not 0 <= float(text) <= 1:
        raise argparse.ArgumentTypeError(f"expected 0 to 1, found {text}")
    return float(text)


if __name__ == "__main__":
    sys.exit(main())
