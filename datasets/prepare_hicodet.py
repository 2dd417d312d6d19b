"""Put HICO-DET where the loaders look for it, from whichever form is at hand.

    python datasets/prepare_hicodet.py --release /data/hico_20160224_det
    python datasets/prepare_hicodet.py --train trainval_hico.json --test test_hico.json \
        --train-images train2015/ --test-images test2015/ --labels anno.mat

``--release`` is the folder of the official archive, with ``anno_bbox.mat`` and
``images/{train,test}2015``; JSON files of the other two forms may lie there or in
``annotations/``, too. Options that name a file go before what lies there.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

import numpy as np

from choi_d2.categories.hicodet import HOIS, OBJECTS, VERBS
from choi_d2.data.datasets.hicodet import ReaderNotes, hicodet_metadata, load_hicodet
from choi_d2.data.prepare import Report, place_images
from choi_d2.data.validation import Problems
from choi_d2.formats.hicodet import HICODETAnnotations, read_annotations, read_image_labels
from choi_d2.utils import InputError, read_json, write_json

SPLITS = ("train", "test")
IN_THE_PAPER = {"train": (38118, 117871), "test": (9658, 33405)}
"""Images, and pairs that are visible."""
OFFICIAL_FILE = "anno_bbox.mat"
JSON_FILES = {
    "train": ("instances_train2015.json", "trainval_hico.json"),
    "test": ("instances_test2015.json", "test_hico.json"),
}


def main(arguments: list[str] | None = None) -> int:
    """Prepare HICO-DET.

    Returns:
        the exit status: 0, or 1 where the files are broken.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--release", type=Path, help="the folder of the official archive")
    for split in SPLITS:
        parser.add_argument(f"--{split}", type=Path, help="annotations of any form")
        parser.add_argument(f"--{split}-images", type=Path, help="folder or zip file")
    parser.add_argument("--labels", type=Path, help="anno.mat: image-level labels, of both splits")
    parser.add_argument(
        "--root", type=Path, default=Path(os.getenv("DETECTRON2_DATASETS", "datasets"))
    )
    options = parser.parse_args(arguments)
    try:
        return prepare(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def prepare(options: argparse.Namespace) -> int:
    """Do what the command line says."""
    root = options.root.expanduser() / "hicodet"
    report = Report("HICO-DET")
    written = []
    for split in SPLITS:
        source = getattr(options, split) or _in_release(options.release, split)
        if source is None:
            report.lines += ["", f"## {split}: there are no annotations"]
            continue
        json_file = root / "annotations" / f"{split}.json"
        annotations = read_annotations(source, split, ReaderNotes(Problems(source)))
        content = as_instances(annotations) if annotations.form == "mat" else read_json(source)
        write_json(json_file, content)
        written.append(json_file)
        images = getattr(options, f"{split}_images")
        if images is None and options.release is not None:
            images = options.release / "images" / f"{split}2015"
        if images is not None:
            target = root / "images" / f"{split}2015"
            place_images(images.expanduser(), target, annotations.names)
        report.count(f"{split} images", len(annotations.names), IN_THE_PAPER[split][0])
        report.count(f"{split} pairs", len(annotations), IN_THE_PAPER[split][1])
        report.count(f"{split} pairs without boxes", len(annotations.invisible))
        problems = Problems(json_file, collect=True)
        records = load_hicodet(json_file, root / "images" / f"{split}2015", problems=problems)
        report.records(split, records, hicodet_metadata(), problems)
        written += _write_labels(options, split, root)
    if not written:
        raise InputError(
            f"expected --train or --test, or --release with {OFFICIAL_FILE} or one of "
            f"{', '.join(sum(JSON_FILES.values(), ()))} in it"
        )
    report.files(written)
    report.write(root / "report.md")
    return 1 if report.num_fatal else 0


def _in_release(release: Path | None, split: str) -> Path | None:
    """The annotations of a split in the official folder: the official file before the others."""
    if release is None:
        return None
    names = OFFICIAL_FILE, *JSON_FILES[split]
    places = (folder / name for name in names for folder in (release, release / "annotations"))
    return next((path for path in places if path.exists()), None)


def as_instances(annotations: HICODETAnnotations) -> dict:
    """The annotations in the form of ``instances_*.json``, which keeps each pair's own boxes."""
    starts = np.searchsorted(annotations.images, np.arange(len(annotations.names) + 1))
    entries = []
    for first, end in zip(starts[:-1], starts[1:], strict=True):
        hoi_ids = annotations.hoi_ids[first:end]
        entries.append(
            {
                "boxes_h": (annotations.human_boxes[first:end] + 1).tolist(),
                "boxes_o": (annotations.object_boxes[first:end] + 1).tolist(),
                "hoi": (hoi_ids - 1).tolist(),
                "object": [HOIS[own - 1].object for own in hoi_ids],
                "verb": [HOIS[own - 1].verb for own in hoi_ids],
            }
        )
    content = {
        "annotation": entries,
        "filenames": list(annotations.names),
        "empty": np.flatnonzero(starts[:-1] == starts[1:]).tolist(),
        "objects": list(OBJECTS),
        "verbs": list(VERBS),
        "correspondence": [[own, hoi.object, hoi.verb] for own, hoi in enumerate(HOIS)],
    }
    if annotations.sizes is not None:
        content["size"] = annotations.sizes.tolist()
    return content


def _write_labels(options: argparse.Namespace, split: str, root: Path) -> list[Path]:
    """``labels_{split}.json``, where there are image-level labels; the files that were written."""
    source = options.labels
    if source is None and options.release is not None:
        source = next(options.release.glob("**/anno.mat"), None)
    if source is None:
        return []
    names, labels = read_image_labels(source, split)
    path = root / "annotations" / f"labels_{split}.json"
    content = [
        {"file_name": name, "positive": (np.flatnonzero(row) + 1).tolist()}
        for name, row in zip(names, labels, strict=True)
    ]
    write_json(path, content)
    return [path]


if __name__ == "__main__":
    sys.exit(main())
