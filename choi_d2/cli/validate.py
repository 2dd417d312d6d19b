"""List everything that is wrong with a data set, before training on it.

  choi validate hoiw --annotations gt.json --images images/
  choi validate pic --root /data/PIC_v2.0 --split val --version v2
  choi validate vcoco --vsrl vcoco.json --coco instances.json --images coco/ --ids ids.txt
  choi validate hicodet --annotations anno_bbox.mat --split test --images test2015/
  choi validate hoi --annotations my.json --images images/ --pixels

The loaders run with the same rules; here they go on after a fatal problem. The exit code is 0 if
the data set can be used, and 1 if not: a problem is fatal, or it has annotations and no instance or
no triplet. With --json, stdout gets one object with the problems, what can be used, and whether it
can be loaded; everything else goes to stderr. datasets/README.md says what becomes of each problem.
"""

from __future__ import annotations

import argparse

from .arguments import add_json, print_json
from .logs import stdout_kept_for_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A sub-command for each format."""
    formats = parser.add_subparsers(dest="format", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--output", metavar="JSON", help="also write the problems to this file; -: as --json"
    )
    common.add_argument(
        "--pixels", action="store_true", help="decode every image: finds those cut short, slowly"
    )

    hoiw = formats.add_parser("hoiw", parents=[common], help="HOIW's format")
    hoiw.add_argument("--split", help="train, val, trainval, test: where datasets/README.md says")
    _add_own_json(hoiw)
    hoiw.add_argument("--images", help="the folder of the images")

    pic = formats.add_parser("pic", parents=[common], help="PIC's formats")
    add_json(pic)
    pic.add_argument("--version", choices=("v1", "v2"), default="v2", help="default: v2")
    pic.add_argument("--split", help="train, val, test")
    pic.add_argument("--root", help="with --split: the folder that holds image/")
    pic.add_argument("--relations", help="the annotations")
    pic.add_argument("--images", help="the folder of the images")
    pic.add_argument("--semantic", help="the folder of the semantic maps")
    pic.add_argument("--instance", help="the folder of the instance maps")

    vcoco = formats.add_parser("vcoco", parents=[common], help="V-COCO's format")
    add_json(vcoco)
    vcoco.add_argument("--split", help="train, val, trainval, test: where datasets/README.md says")
    vcoco.add_argument("--vsrl", help="the actions")
    vcoco.add_argument("--coco", help="COCO instances")
    vcoco.add_argument("--images", help="the folder of the images")
    vcoco.add_argument("--ids", help="the image ids of the split; may be left out")

    hicodet = formats.add_parser("hicodet", parents=[common], help="HICO-DET's formats")
    add_json(hicodet)
    hicodet.add_argument("--split", help="train, test: where datasets/README.md says")
    hicodet.add_argument(
        "--annotations", help="anno_bbox.mat (with --split), or a JSON of either form"
    )
    hicodet.add_argument("--images", help="the folder of the images")

    hoi = formats.add_parser("hoi", parents=[common], help="a data set of your own")
    _add_own_json(hoi)
    hoi.add_argument("--images", required=True, help="the folder of the images")


def run(args: argparse.Namespace) -> int:
    """Tell every problem of a data set, and whether it can be used.

    Returns:
        0 if the data set can be used, 1 if it cannot.

    Raises:
        InputError: files are neither given nor registered; the report cannot be written.
    """
    from choi_d2.data.validate import validate
    from choi_d2.utils import write_json

    as_json = args.json or args.output == "-"
    with stdout_kept_for_json(as_json):
        found = validate(args)
    report = found.report()
    if as_json:
        print_json(report)
    else:
        print(found.words())
    if args.output not in (None, "-"):
        write_json(args.output, report, indent=1)
    return 0 if found.is_usable else 1


def _add_own_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--annotations", metavar="JSON", help="the annotations")
    parser.add_argument(
        "--json",
        nargs="?",
        action=_JsonOrAnnotations,
        default=False,
        metavar="JSON",
        help="print the result as JSON, in the place of words; before a file, --annotations by its "
        "older name",
    )


class _JsonOrAnnotations(argparse.Action):
    """``--json`` alone is the other commands'; ``--json FILE`` was ``--annotations FILE``."""

    def __call__(self, parser, namespace, values, option_string=None):
        if values is None:
            namespace.json = True
        else:
            namespace.annotations = values
