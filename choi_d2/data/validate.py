"""Lists everything that is wrong with a data set: ``python -m choi_d2.data.validate``.

The loaders run with the same rules; here they go on after a fatal problem. Exit status: 0 the data
set can be used, 1 it cannot: a problem is fatal, or it has annotations and no instance or no
triplet; 2 the command line is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from detectron2.data import MetadataCatalog

from choi_d2.data.datasets.common import usable_numbers
from choi_d2.data.datasets.hicodet import load_hicodet
from choi_d2.data.datasets.hoi_json import load_hoi_json
from choi_d2.data.datasets.hoiw import load_hoiw_json
from choi_d2.data.datasets.pic import PICFiles, load_pic, load_pic_split, pic_files
from choi_d2.data.datasets.vcoco import load_vcoco
from choi_d2.data.problem_kinds import FATAL_KINDS, TOLERATED_KINDS
from choi_d2.data.validation import Problems
from choi_d2.formats.hicodet.mat import is_mat_file
from choi_d2.pictures import read_picture
from choi_d2.utils import InputError

_NOTHING = ("no instance", "no triplet")


@dataclass(frozen=True)
class Validation:
    """What a data set's validation found.

    Attributes:
        records: what could be loaded, in Detectron2's form.
        problems: every problem, in the order in which they were met.
    """

    records: list[dict]
    problems: Problems

    @property
    def is_usable(self) -> bool:
        """Whether nothing is fatal, and there is an image, and with annotations a triplet."""
        nothing = set(_NOTHING) & set(self.problems.counts())
        return bool(self.records) and not self.problems.num_fatal and not nothing

    def report(self) -> dict:
        """The problems, what can be used, and whether it can be loaded, as JSON has them."""
        return {
            "file": self.problems.file,
            "loadable": self.is_usable,
            "usable": usable_numbers(self.records),
            "counts": self.problems.counts(),
            "problems": [
                {
                    "fatal": problem.fatal,
                    "kind": problem.kind,
                    "file": problem.file,
                    "image": problem.image,
                    "field": problem.field,
                    "why": problem.message,
                }
                for problem in self.problems.found
            ],
        }

    def words(self) -> str:
        """A line for each problem, their numbers by kind, and the verdict."""
        lines = [
            f"{'fatal' if problem.fatal else 'tolerated'}: {problem.kind}: {problem}"
            for problem in self.problems.found
        ]
        return "\n".join([*lines, _summary(self.records, self.problems)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Validate a data set: ``choi validate`` under its older name.

    Returns:
        the exit status.
    """
    from choi_d2.cli.validate import add_arguments, run

    parser = argparse.ArgumentParser(
        prog="python -m choi_d2.data.validate",
        description="Lists every problem of a data set; exits 1 if it cannot be loaded.",
    )
    add_arguments(parser)
    try:
        return run(parser.parse_args(arguments))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def validate(options: argparse.Namespace) -> Validation:
    """Load a data set by the loaders' rules, and go on after what is wrong with it.

    Args:
        options: the arguments of ``choi validate``.

    Raises:
        InputError: files are neither given nor registered.
    """
    file, load = _PREPARE[options.format](options)
    problems = Problems(file, collect=True)
    try:
        records = load(problems)
    except InputError as error:
        problems.add_error(error)
        records = []
    if options.pixels:
        _check_pixels(records, problems)
    return Validation(records, problems)


Prepared = tuple[str, Callable[[Problems], list[dict]]]


def _prepare_hoiw(options: argparse.Namespace) -> Prepared:
    json_file, images = _paths(options, "hoiw", annotations="json_file", images="image_root")
    return json_file, lambda problems: load_hoiw_json(json_file, images, problems=problems)


def _prepare_pic(options: argparse.Namespace) -> Prepared:
    if options.root and options.split:
        relations = pic_files(options.root, options.split, options.version).relations
        return str(relations), lambda problems: load_pic_split(
            options.root, options.split, options.version, problems=problems
        )
    prefix = "pic" if options.version == "v2" else "pic_v1"
    paths = _paths(
        options,
        prefix,
        relations="json_file",
        images="image_root",
        semantic="semantic_root",
        instance="instance_root",
    )
    files = PICFiles(*map(Path, paths))
    return paths[0], lambda problems: load_pic(files, options.version, problems=problems)


def _prepare_vcoco(options: argparse.Namespace) -> Prepared:
    vcoco_json, coco_json, images = _paths(
        options, "vcoco", vsrl="json_file", coco="coco_json_file", images="image_root"
    )
    ids = options.ids
    if ids is None and options.split:
        ids = MetadataCatalog.get(f"vcoco_{options.split}").ids_file
    return vcoco_json, lambda problems: load_vcoco(
        vcoco_json, coco_json, images, ids, problems=problems
    )


def _prepare_hicodet(options: argparse.Namespace) -> Prepared:
    file, images = _paths(options, "hicodet", annotations="json_file", images="image_root")
    if is_mat_file(file) and options.split not in ("train", "test"):
        raise InputError("expected --split train or --split test: the file holds both", path=file)
    return file, lambda problems: load_hicodet(file, images, options.split, problems=problems)


def _prepare_hoi(options: argparse.Namespace) -> Prepared:
    if options.annotations is None:
        raise InputError("is not given", field="--annotations")
    return options.annotations, lambda problems: load_hoi_json(
        options.annotations, options.images, problems=problems
    )


_PREPARE = {
    "hoiw": _prepare_hoiw,
    "pic": _prepare_pic,
    "vcoco": _prepare_vcoco,
    "hicodet": _prepare_hicodet,
    "hoi": _prepare_hoi,
}


def _paths(options: argparse.Namespace, prefix: str, **key_of_option: str) -> list[str]:
    """The paths that the options give; with ``--split``, the registered ones where they do not.

    Raises:
        InputError: a path is neither given nor registered.
    """
    paths = []
    for option, key in key_of_option.items():
        path = getattr(options, option)
        if path is None and options.split:
            path = MetadataCatalog.get(f"{prefix}_{options.split}").get(key)
        if path is None:
            found = f"there is no split {options.split!r}" if options.split else "--split is not"
            raise InputError(f"--{option} is not given, and {found}")
        paths.append(path)
    return paths


def _check_pixels(records: Sequence[dict], problems: Problems) -> None:
    def error_of(record: dict) -> InputError | None:
        try:
            read_picture(record["file_name"])
        except InputError as error:
            return error
        return None

    with ThreadPoolExecutor() as pool:
        for record, error in zip(records, pool.map(error_of, records), strict=True):
            if error is not None:
                problems.add(
                    "broken image",
                    f"the image {error.problem}",
                    image=record["image_id"],
                    file=record["file_name"],
                )


def _summary(records: Sequence[dict], problems: Problems) -> str:
    numbers = usable_numbers(records)
    crowds = numbers.pop("crowds")
    numbers = ", ".join(f"{number} {what}" for what, number in numbers.items())
    beside = f", beside {crowds} crowds" if crowds else ""
    lines = ["", f"{problems.file}: {numbers} can be used{beside}."]
    for kind, count in problems.counts().items():
        if kind in FATAL_KINDS:
            lines.append(f"  {count:6d} x {kind} (fatal: {FATAL_KINDS[kind]})")
        else:
            lines.append(f"  {count:6d} x {kind} ({TOLERATED_KINDS[kind]})")
    return "\n".join([*lines, _verdict(records, problems)])


def _verdict(records: Sequence[dict], problems: Problems) -> str:
    if problems.num_fatal:
        return f"It cannot be loaded: {problems.num_fatal} fatal."
    if not records:
        return "It cannot be used: there is no image."
    for kind in _NOTHING:
        if kind in problems.counts():
            return f"It cannot be used for interactions: {kind}."
    if not any("annotations" in record for record in records):
        return "It can be loaded for prediction: it has no annotations."
    return f"It can be loaded{'' if problems.found else ': no problem found'}."


if __name__ == "__main__":
    sys.exit(main())
