"""Official metrics of files that any method has written, or of a model.

  choi eval hoiw --gt GT.json --pred PRED.json
  choi eval pic --gt DIR --pred DIR --version v1 --json
  choi eval vcoco --vsrl VCOCO.json --coco INSTANCES.json --ids IDS --pred PRED.pkl
  choi eval hicodet --gt anno_bbox.mat --pred DETECTIONS.json --output metrics.json
  choi eval model --config-file configs/HOIW/choi_R_50_FPN.yaml --weights model_final.pth
  choi eval model --weights model_final.pth --data my/val.json --images my/images
  choi eval model --weights model_final.pth --data my/val.json --images my/images \\
      --detections boxes.json

docs/evaluation.md has the files' formats and what the numbers are.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from pathlib import Path

from choi_d2.categories.hicodet import ZERO_SHOT
from choi_d2.evaluation.hicodet_rules import EVALUATORS, RULES
from choi_d2.utils import InputError, write_json

from .arguments import add_json, add_trailing_opts, print_json
from .launch import add_launch_arguments, launch_for_json

logger = logging.getLogger("choi_d2.evaluation")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``hoiw``, ``pic``, ``vcoco``, ``hicodet``, ``model``."""
    commands = parser.add_subparsers(required=True, metavar="hoiw|pic|vcoco|hicodet|model")
    add_metrics(commands)
    _add_model(commands)


def run(args: argparse.Namespace) -> int:
    """Evaluate.

    Raises:
        InputError: the input is broken; then nothing is written.
    """
    return args.evaluate_kind(args)


def add_metrics(commands) -> None:
    """The metrics of files, as sub-commands of ``commands``."""
    hoiw = _add(commands, "hoiw", "mAP_rel of HOIW (= HOI-A)", _evaluate_hoiw, "hoiw_table")
    hoiw.add_argument("--gt", type=Path, required=True, help="the annotations, JSON")
    hoiw.add_argument("--pred", type=Path, required=True, help="the predictions, JSON")

    pic = _add(commands, "pic", "R@20, R@50, R@100 of PIC", _evaluate_pic, "pic_table")
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

    words = "AP_agent and AP_role of V-COCO"
    vcoco = _add(commands, "vcoco", words, _evaluate_vcoco, "vcoco_table")
    vcoco.add_argument("--vsrl", type=Path, required=True, help="V-COCO's JSON of a split")
    vcoco.add_argument("--coco", type=Path, required=True, help="COCO's instances JSON")
    vcoco.add_argument("--ids", type=Path, required=True, help="the split's image ids, text")
    vcoco.add_argument(
        "--pred", type=Path, required=True, help="the detections: pickle (.pkl) or JSON"
    )
    _add_hicodet(commands)


def _add_hicodet(commands) -> None:
    words = "mAP of HICO-DET, Default and Known Object"
    hicodet = _add(commands, "hicodet", words, _evaluate_hicodet, "hicodet_table")
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


def _add(
    commands, name: str, description: str, evaluate: Callable, table: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=description, description=description)
    command.add_argument("--output", type=Path, help="JSON of the metrics, as fractions")
    command.add_argument(
        "--strict",
        action="store_true",
        help="take what the official evaluator tolerates for an error",
    )
    add_json(command)
    command.set_defaults(evaluate_kind=_evaluate_files, evaluate=evaluate, table=table)
    return command


def _evaluate_files(args: argparse.Namespace) -> int:
    from choi_d2.evaluation import tables
    from choi_d2.evaluation.findings import Findings

    logging.basicConfig(format="%(levelname)s: %(message)s")
    findings = Findings()
    metrics = args.evaluate(args, findings)
    findings.report(logger, strict=args.strict)
    if args.output is not None:
        write_json(args.output, metrics, indent=1)
    if args.json:
        print_json(metrics)
    else:
        print(getattr(tables, args.table)(metrics))
    return 0


def _evaluate_hoiw(args: argparse.Namespace, findings) -> dict:
    from choi_d2.evaluation.hoiw_files import evaluate_hoiw_files

    return evaluate_hoiw_files(args.gt, args.pred, findings)


def _evaluate_pic(args: argparse.Namespace, findings) -> dict:
    from choi_d2.evaluation.pic_files import evaluate_pic_files

    return evaluate_pic_files(
        args.gt, args.pred, findings, version=args.version, images=args.images
    )


def _evaluate_vcoco(args: argparse.Namespace, findings) -> dict:
    from choi_d2.evaluation.vcoco_files import evaluate_vcoco_files

    return evaluate_vcoco_files(args.vsrl, args.coco, args.ids, args.pred, findings)


def _evaluate_hicodet(args: argparse.Namespace, findings) -> dict:
    from choi_d2.evaluation.hicodet_files import evaluate_hicodet_files

    return evaluate_hicodet_files(
        args.gt,
        args.pred,
        findings,
        train=args.train,
        labels=args.labels,
        split=args.split,
        rules=args.rules,
        zero_shot=args.zero_shot,
    )


def _add_model(commands) -> None:
    words = "evaluate a model on the config's DATASETS.TEST, or on a JSON of your own"
    model = commands.add_parser("model", help=words, description=words)
    model.add_argument(
        "--config-file", default="", metavar="YAML", help="default: the weights' own config"
    )
    model.add_argument("--data", metavar="JSON", help="in the place of DATASETS.TEST")
    model.add_argument("--images", metavar="DIR", help="the folder of its images")
    model.add_argument(
        "--weights",
        metavar="MODEL",
        help="a model's name, a bundle or a checkpoint (default: the config's MODEL.WEIGHTS)",
    )
    model.add_argument(
        "--detections",
        metavar="JSON",
        help="another detector's boxes in the place of the model's own, a COCO results JSON; or "
        "'ground-truth' (TEST.DETECTIONS; INPUT.DETECTIONS.NAMES says what its ids are of)",
    )
    model.add_argument(
        "--verbs-by-class",
        action="store_true",
        help="score verbs by the object's class alone, as counted on the training set",
    )
    model.add_argument(
        "--fast",
        action="store_true",
        help="as `choi predict --fast`: what its results are worth",
    )
    model.add_argument("--augment", action="store_true", help="as `choi predict --augment`")
    add_json(model)
    add_launch_arguments(model)
    add_trailing_opts(model)
    model.set_defaults(evaluate_kind=_evaluate_model, eval_only=True, resume=False)


def _evaluate_model(args: argparse.Namespace) -> int:
    if not args.config_file and not (args.weights and args.data):
        raise InputError(
            "nothing to evaluate on", hint="Give --config-file, or --weights with --data."
        )
    if (args.data is None) != (args.images is None):
        raise InputError("go together, and one is not given", field="--data, --images")
    from choi_d2.engine.own_data import OwnData, own_data_opts, register_own_data
    from choi_d2.engine.profiles import profile_opts
    from choi_d2.inference.bundles import find_model

    args.opts = [*profile_opts(fast=args.fast, augment=args.augment), *args.opts]
    if args.detections:
        args.opts = ["TEST.DETECTIONS", args.detections, *args.opts]
    if args.verbs_by_class:
        args.opts = ["TEST.VERBS_BY_CLASS", "True", *args.opts]
    if args.data is not None:
        args.own_data = OwnData(None, None, args.data, args.images)
        register_own_data(args.own_data)
        args.opts = [*own_data_opts(args.own_data), *args.opts]
    if args.weights:
        args.model = str(find_model(args.weights))
        args.opts = ["MODEL.WEIGHTS", args.model, *args.opts]
    found = launch_for_json(args)
    if found is not None:
        print_json(found)
    return 0
