"""Put a release of PIC where the loaders look for it, and read its label maps once.

    python datasets/prepare_pic.py --release /data/PIC_v2.0

The release is recognised by its folders (see datasets/README.md). Reading the maps of 14,631
images takes minutes; what has been read is kept, so that an interrupted run can be taken up.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from choi_d2.data.datasets.pic import load_pic_split, pic_files, pic_metadata
from choi_d2.data.prepare import Report, link
from choi_d2.data.validation import Problems
from choi_d2.utils import InputError

IN_THE_PAPER = {"train": 12654, "val": 1977, "test": 2975}


def main(arguments: list[str] | None = None) -> int:
    """Prepare PIC.

    Returns:
        the exit status: 0, or 1 where the files are broken.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--release", type=Path, required=True, help="the folder with image/ in it")
    parser.add_argument(
        "--root", type=Path, default=Path(os.getenv("DETECTRON2_DATASETS", "datasets"))
    )
    options = parser.parse_args(arguments)
    try:
        return prepare(options.release.expanduser(), options.root.expanduser())
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def prepare(release: Path, root: Path) -> int:
    """Link to the release, read what it has, write the report."""
    if not (release / "image").is_dir():
        raise InputError("expected a folder image/ in it", path=release)
    version = "v1" if (release / "segmentation").is_dir() else "v2"
    folder = root / ("pic" if version == "v2" else "pic_v1")
    link(release, folder)

    report = Report(f"PIC {version}")
    for split, expected in IN_THE_PAPER.items():
        files = pic_files(folder, split, version)
        if not files.images.is_dir():
            report.lines += ["", f"## {split}: there is no {files.images}"]
            continue
        problems = Problems(files.relations, collect=True)
        records = load_pic_split(folder, split, version, problems=problems)
        # The paper counts images of v2.
        report.count(f"{split} images", len(records), expected if version == "v2" else None)
        report.records(split, records, pic_metadata(version), problems)
    report.write(root / f"{folder.name}_report.md")
    return 1 if report.num_fatal else 0


if __name__ == "__main__":
    sys.exit(main())
