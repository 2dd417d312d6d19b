"""``python -m choi_d2.evaluation hoiw|pic|vcoco|hicodet``: official numbers of predictions."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from choi_d2.categories.hicodet import ZERO_SHOT
from choi_d2.utils import InputError, write_json

from .findings import Findings
from .hicodet_rules import EVALUATORS, RULES
from .tables import hicodet_table, hoiw_table, pic_table, vcoco_table

logger = logging.getLogger("choi_d2.evaluation")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command.

    Returns:
        0; 1 when the input is broken, and then nothing is written.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(levelname)s: %(message)s")
    findings = Findings()
    try:
        metrics = options.evaluate(options, findings)
        findings.report(logger, strict=options.strict)
        if options.output is not None:
            write_json(options.output, metrics, indent=1)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(options.table(metrics))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m choi_d2.evaluation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="hoiw|pic|vcoco|hicodet")

    hoiw = _command(commands, "hoiw", "mAP_rel of HOIW (= HOI-A)", _evaluate_hoiw, hoiw_table)
    hoiw.add_argument("--gt", type=Path, required=True, help="the annotations, JSON")
    hoiw.add_argument("--pred", type=Path, required=True, help="the predictions, JSON")

    pic = _command(commands, "pic", "R@20, R@50, R@100 of PIC", _evaluate_pic, pic_table)
    folder = "folder with semantic/, instance/ and relations.json"
    pic.add_argument("--gt", type=Path, required=True, help=f"the annotations: {folder}")
    pic.add_argument("--pred", type=Path, required=True, help=f"the predictions: {folder}")
    pic.add_argument(
        "--version",
        choices=("v1", "v2"),
        default="v2",
        help="the release that the ids are of; the wrong one gives wrong numbers (default: v2)",
    )
    pic.add_argument("--images", type=Path, help="the photos, to check the maps' sizes against")

    vcoco = _command(
        commands, "vcoco", "AP_agent and AP_role of V-COCO", _evaluate_vcoco, vcoco_table
    )
    vcoco.add_argument("--vsrl", type=Path, required=True, help="V-COCO's JSON of a split")
    vcoco.add_argument("--coco", type=Path, required=True, help="COCO's instances JSON")
    vcoco.add_argument("--ids", type=Path, required=True, help="the split's image ids, text")
    vcoco.add_argument(
        "--pred", type=Path, required=True, help="the detections: pickle (.pkl) or JSON"
    )

    _add_hicodet(commands)
    return parser


def _add_hicodet(commands) -> None:
    hicodet = _command(
        commands,
        "hicodet",
        "mAP of HICO-DET, Default and Known Object",
        _evaluate_hicodet,
        hicodet_table,
    )
    forms = "anno_bbox.mat, or a JSON as of test_hico.json or instances_test2015.json"
    hicodet.add_argument("--gt", type=Path, required=True, help=f"the annotations: {forms}")
    hicodet.add_argument(
        "--train",
        type=Path,
        help="the training annotations, likewise: classes with fewer than 10 pairs are rare; "
        "default: what --gt says about rare classes, or else the official list",
    )
    hicodet.add_argument(
        "--labels",
        type=Path,
        help="image-level labels for Known Object: anno.mat or JSON; default: what the pairs show",
    )
    hicodet.add_argument(
        "--split",
        choices=("train", "test"),
        default="test",
        help="which of the two in anno_bbox.mat and anno.mat to evaluate (default: test)",
    )
    hicodet.add_argument(
        "--pred",
        type=Path,
        required=True,
        help="the detections: JSON, pickle (.pkl), or Matlab's, a file or a folder",
    )
    hicodet.add_argument(
        "--rules",
        nargs="+",
        default=[],
        metavar="RULE",
        choices=[*EVALUATORS, *RULES],
        help="do as others do: an evaluator of the field "
        f"({', '.join(EVALUATORS)}), or single rules ({', '.join(RULES)})",
    )
    hicodet.add_argument(
        "--zero-shot",
        nargs="+",
        default=[],
        metavar="SPLIT",
        choices=list(ZERO_SHOT),
        help=f"means over unseen and seen classes as well: {', '.join(ZERO_SHOT)}",
    )


def _command(
    commands, name: str, description: str, evaluate: Callable, table: Callable
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=description, description=description)
    command.add_argument("--output", type=Path, help="JSON of the metrics, as fractions")
    command.add_argument(
        "--strict",
        action="store_true",
        help="take what the official evaluator tolerates for an error",
    )
    command.set_defaults(evaluate=evaluate, table=table)
    return command


def _evaluate_hoiw(options: argparse.Namespace, findings: Findings) -> dict:
    from .hoiw_files import evaluate_hoiw_files

    return evaluate_hoiw_files(options.gt, options.pred, findings)


def _evaluate_pic(options: argparse.Namespace, findings: Findings) -> dict:
    from .pic_files import evaluate_pic_files

    return evaluate_pic_files(
        options.gt, options.pred, findings, version=options.version, images=options.images
    )


def _evaluate_vcoco(options: argparse.Namespace, findings: Findings) -> dict:
    from .vcoco_files import evaluate_vcoco_files

    return evaluate_vcoco_files(options.vsrl, options.coco, options.ids, options.pred, findings)


def _evaluate_hicodet(options: argparse.Namespace, findings: Findings) -> dict:
    from .hicodet_files import evaluate_hicodet_files

    return evaluate_hicodet_files(
        options.gt,
        options.pred,
        findings,
        train=options.train,
        labels=options.labels,
        split=options.split,
        rules=options.rules,
        zero_shot=options.zero_shot,
    )


if __name__ == "__main__":
    sys.exit(main())
