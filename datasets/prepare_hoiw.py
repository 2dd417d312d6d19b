"""Put HOIW's released files where the loaders look for them, and split trainval.

    python datasets/prepare_hoiw.py --trainval trainval.json --trainval-images train_2019.zip

The paper splits trainval at random into 19,843 images to train and 9,999 to validate, without
saying which; here the seed says it. Run it again after an interruption: what is there is kept.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import sys
from pathlib import Path

from choi_d2.data.datasets.hoiw import hoiw_metadata, load_hoiw_json
from choi_d2.data.prepare import Report, place_images
from choi_d2.data.validation import Problems
from choi_d2.utils import InputError, read_json, write_json

NUM_VAL = 9999
IN_THE_PAPER = {"trainval": 29842, "train": 19843, "val": 9999, "test": 8794}
FOLDERS = {"trainval": "trainval", "train": "trainval", "val": "trainval", "test": "test"}


def main(arguments: list[str] | None = None) -> int:
    """Prepare HOIW.

    Returns:
        the exit status: 0, or 1 where the files are broken.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--trainval", type=Path, help="released annotations, not split")
    parser.add_argument("--train", type=Path, help="annotations, where they are already split")
    parser.add_argument("--val", type=Path, help="annotations, where they are already split")
    parser.add_argument("--test", type=Path, help="annotations of the test images")
    parser.add_argument("--trainval-images", type=Path, help="folder or zip file")
    parser.add_argument("--test-images", type=Path, help="folder or zip file")
    parser.add_argument("--seed", type=int, default=0, help="of the split (default: 0)")
    parser.add_argument("--num-val", type=int, default=NUM_VAL, help="(default: the paper's 9999)")
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
    root = options.root.expanduser() / "hoiw"
    entries = _entries_of_splits(options)
    images = {"trainval": options.trainval_images, "test": options.test_images}
    for folder, source in images.items():
        if source is not None and folder in entries:
            names = [entry["file_name"] for entry in entries[folder]]
            place_images(source.expanduser(), root / "images" / folder, names)

    report = Report("HOIW")
    files = []
    for split, content in entries.items():
        json_file = root / "annotations" / f"{split}.json"
        write_json(json_file, content)
        files.append(json_file)
        report.count(f"{split} images", len(content), IN_THE_PAPER[split])
        problems = Problems(json_file, collect=True)
        records = load_hoiw_json(json_file, root / "images" / FOLDERS[split], problems=problems)
        report.records(split, records, hoiw_metadata(), problems)
    report.files(files)
    report.write(root / "report.md")
    return 1 if report.num_fatal else 0


def _entries_of_splits(options: argparse.Namespace) -> dict[str, list[dict]]:
    """split -> entries of its JSON."""
    splits = {}
    if options.trainval is not None and options.train is None and options.val is None:
        splits["trainval"] = _read(options.trainval)
        splits["train"], splits["val"] = split(splits["trainval"], options.num_val, options.seed)
    elif options.train is not None and options.val is not None and options.trainval is None:
        splits["train"], splits["val"] = _read(options.train), _read(options.val)
        splits["trainval"] = splits["train"] + splits["val"]
    elif options.test is None:
        raise InputError("expected --trainval, or --train and --val, or --test")
    if options.test is not None:
        splits["test"] = _read(options.test)
    return splits


def _read(path: Path) -> list[dict]:
    entries = read_json(path, list)
    for position, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("file_name"), str):
            raise InputError(
                "expected an object with a file name", path=path, field=f"[{position}].file_name"
            )
    return entries


def split(entries: list[dict], num_val: int, seed: int) -> tuple[list[dict], list[dict]]:
    """A random split that depends on the seed and the file names alone.

    Args:
        entries: all images.
        num_val: how many of them validate.
        seed: another seed, another split.

    Returns:
        train and val, each in the order of ``entries``.

    Raises:
        InputError: there are not more than ``num_val`` images.
    """
    if not 0 < num_val < len(entries):
        raise InputError(
            f"expected more than --num-val = {num_val} images to split, found {len(entries)}"
        )
    by_hash = sorted(
        (entry["file_name"] for entry in entries),
        key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest(),
    )
    val = set(by_hash[:num_val])
    return (
        [entry for entry in entries if entry["file_name"] not in val],
        [entry for entry in entries if entry["file_name"] in val],
    )


if __name__ == "__main__":
    sys.exit(main())
