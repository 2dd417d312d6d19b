"""Make the JSON of a data set of your own from what you have.

  choi init-data export.json --images photos/ --output my/train.json
  choi init-data annotations.xml --output my/train.json
  choi init-data gt.json --form hoia --objects objects.txt --verbs verbs.txt --images photos/ \\
      --output my/train.json
  choi init-data val_export.json --like my/train.json --output my/val.json

Forms, told by what is in the file: hoia (HOI-A's, PPDM's), instances (fredzzhang's instances_*.json
of HICO-DET and V-COCO), coco-relations (COCO with rel_annotations, SGG-Benchmark's), label-studio,
cvat, datumaro, vcoco, hicodet. What is left out or changed is counted and named.
docs/own_dataset.md says how each form tells who does what; choi train --data takes the JSON.
"""

from __future__ import annotations

import argparse
import sys

from .arguments import add_json, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, what it does not say itself, and the JSON."""
    parser.add_argument("source", metavar="FILE", help="JSON, XML, CVAT's zip or anno_bbox.mat")
    parser.add_argument("--output", required=True, metavar="JSON", help="the JSON to write")
    parser.add_argument(
        "--form", metavar="FORM", help="of which form FILE is (default: told by it)"
    )
    parser.add_argument(
        "--images", metavar="DIR", help="the folder of the images; needed where FILE has no sizes"
    )
    parser.add_argument(
        "--human",
        nargs="+",
        default=[],
        metavar="NAME",
        help="classes that are people, beside person and human; they become one",
    )
    parser.add_argument(
        "--like", metavar="JSON", help="one converted before: its classes and verbs keep their ids"
    )
    names = parser.add_argument_group("names, for the form hoia")
    help_text = "a file with one name a line, or hoiw, hicodet, {}"
    names.add_argument("--objects", metavar="FILE", help=help_text.format("coco"))
    names.add_argument("--verbs", metavar="FILE", help=help_text.format("vcoco"))
    official = parser.add_argument_group("for the forms vcoco and hicodet")
    official.add_argument("--coco", metavar="FILE", help="COCO's instances that V-COCO is over")
    official.add_argument("--ids", metavar="FILE", help="V-COCO's image ids of a split")
    official.add_argument(
        "--split", choices=("train", "test"), help="which half of anno_bbox.mat to take"
    )
    tools = parser.add_argument_group("for the forms cvat, datumaro and label-studio")
    tools.add_argument(
        "--verb-attribute",
        nargs="+",
        default=[],
        metavar="NAME",
        help="attributes whose values are verbs (default: verb, action, interaction, ...)",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Convert.

    Raises:
        InputError: the file is of no form or broken, or something that its form needs is missing.
    """
    from choi_d2.data.convert import Options, convert
    from choi_d2.data.problem_kinds import TOLERATED_KINDS

    options = Options(
        images=args.images,
        objects=args.objects,
        verbs=args.verbs,
        humans=args.human,
        like=args.like,
        coco=args.coco,
        ids=args.ids,
        split=args.split,
        verb_attributes=args.verb_attribute,
    )
    done = convert(args.source, args.output, form=args.form, options=options)
    numbers, problems = done.counts(), done.problems
    if args.json:
        print_json(
            {
                "form": done.form.name,
                "output": args.output,
                **numbers,
                "problems": problems.counts(),
            }
        )
        return 0
    for kind, count in problems.counts().items():
        first = next(problem for problem in problems.found if problem.kind == kind)
        print(f"{count:6d} x {kind} ({TOLERATED_KINDS[kind]}); first: {first}", file=sys.stderr)
    counted = ", ".join(f"{number} {what}" for what, number in numbers.items())
    print(f"{args.output}: {counted}; read as {done.form.name}.")
    print(
        f"Check it: choi validate hoi --annotations {args.output} --images {args.images or 'DIR'}"
    )
    return 0
