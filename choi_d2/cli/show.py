"""Draw a data set, what a model is trained with, what it has found, or what it sees inside.

  choi show data --dataset hoiw_train --num 30
  choi show data --data my/train.json --images my/images/train --faces
  choi show samples --config-file configs/HOIW/choi_R_50_FPN.yaml --shuffle
  choi show predictions --data my/val.json --images my/images/val --model output/my/model_final.pth
  choi show results found/results.jsonl --output redrawn --score-thresh 0.3
  choi show inner photo.jpg --model output/my/model_final.pth --output inside
  choi show inner photo.jpg --model output/my/model_final.pth --point 310 140

`data` draws what is annotated in the images as they are on disk. `samples` draws what the model is
trained with: through the training mapper, resized, flipped, with the faces and the pairs that an
interaction network could get of that image. A positive pair is an arrow from human to object with
its verbs, a negative one a grey line with a dot at the human. They are pairs of the annotated
boxes, which join every sample; those of a network's own boxes, which change as it learns, are not
drawn. `predictions` puts what a model finds beside what is annotated; the model needs to know
nothing of the data set. `results` tells or draws what `choi predict` has written.

`inner` draws three figures of each photo: the ranking scores of all pairs (photo_ranking.png), what
a position of a human's box sees of the rest of it (photo_ihsm.png; --point says which position, in
the photo's pixels), and the face that is used for each human with what it counts for each object
(photo_faces.png). They are of the last interaction network, whose verbs are the answer.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from choi_d2.utils import InputError

from .arguments import add_json, add_opts, natural, print_json, score
from .logs import logging_to_stderr


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``data``, ``samples``, ``predictions``, ``results``, ``inner``."""
    kinds = parser.add_subparsers(required=True, metavar="data|samples|predictions|results|inner")
    data = _add_drawing(kinds, "data", "what is annotated", "annotation")
    data.add_argument("--masks", action="store_true", help="masks in place of boxes")
    data.add_argument("--faces", action="store_true", help="face boxes, too")
    samples = _add_drawing(kinds, "samples", "what a model is trained with", "pairs")
    samples.add_argument("--masks", action="store_true", help="masks in place of boxes")
    samples.add_argument("--faces", action="store_true", help="with --no-pairs: face boxes, too")
    samples.add_argument(
        "--no-pairs",
        dest="source",
        action="store_const",
        const="dataloader",
        help="annotated triplets in the place of sampled pairs",
    )
    found = _add_drawing(kinds, "predictions", "what a model finds", "predictions")
    found.add_argument("--masks", action="store_true", help="masks in place of boxes")
    found.add_argument("--faces", action="store_true", help="face boxes, too")
    found.add_argument(
        "--model",
        "--weights",
        default="",
        metavar="MODEL",
        help="a model's name, a bundle or a checkpoint",
    )
    _add_score(found, None)
    for drawing in (data, samples, found):
        add_opts(drawing)

    results = kinds.add_parser("results", help="what `choi predict` has written")
    results.add_argument("file", help="a JSON of one picture, or JSON lines")
    results.add_argument("--output", metavar="DIR", help="draw them there (default: tell them)")
    results.add_argument("--images", metavar="DIR", help="where the pictures are by now")
    results.add_argument("--masks", action="store_true", help="masks in place of boxes")
    results.add_argument("--faces", action="store_true", help="face boxes, too")
    _add_score(results, 0.0)
    add_json(results)
    results.set_defaults(show=_show_results)
    _add_inner(kinds)


def run(args: argparse.Namespace) -> int:
    """Draw; 1 if images were left out, or none was drawn.

    Raises:
        InputError: there is no data set, or the options do not go together.
    """
    with logging_to_stderr():
        return args.show(args)


def _add_drawing(kinds, name: str, help: str, source: str) -> argparse.ArgumentParser:
    parser = kinds.add_parser(name, help=help)
    parser.add_argument("--config-file", default="", metavar="YAML", help="of the model")
    parser.add_argument(
        "--dataset", metavar="NAME", help="a registered data set (default: DATASETS.TRAIN)"
    )
    parser.add_argument("--data", metavar="JSON", help="in its place a JSON of your own")
    parser.add_argument("--images", metavar="DIR", help="the folder of its images")
    parser.add_argument(
        "--output",
        default="output/show",
        metavar="DIR",
        help="drawings go to DIR/NAME/ (default: %(default)s)",
    )
    parser.add_argument(
        "--num", type=natural, default=20, metavar="N", help="images (default: %(default)s)"
    )
    parser.add_argument("--shuffle", action="store_true", help="random images, not the first ones")
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of --shuffle and the augmentations (default: 0)",
    )
    add_json(parser)
    parser.set_defaults(show=_show_dataset, source=source, model="", score_thresh=None)
    return parser


def _add_inner(kinds) -> None:
    inner = kinds.add_parser("inner", help="what a model computes on its way to an answer")
    inner.add_argument("sources", nargs="+", metavar="SOURCE", help="photos, folders, patterns")
    inner.add_argument(
        "--model",
        "--weights",
        default="",
        metavar="MODEL",
        help="a shipped model's name, a bundle or a checkpoint (default: photos, where it is "
        "shipped)",
    )
    inner.add_argument("--config-file", default="", metavar="YAML", help="of the model")
    inner.add_argument(
        "--point",
        nargs=2,
        type=float,
        metavar=("X", "Y"),
        help="draw the attention of this point of the photo, in pixels (default: three positions "
        "of each of the surest humans)",
    )
    inner.add_argument(
        "--output",
        default="output/inner",
        metavar="DIR",
        help="figures go there (default: %(default)s)",
    )
    inner.add_argument(
        "--format", choices=("png", "pdf", "svg"), default="png", help="default: png"
    )
    _add_score(inner, None)
    add_json(inner)
    add_opts(inner)
    inner.set_defaults(show=_show_inner)


def _add_score(parser: argparse.ArgumentParser, default: float | None) -> None:
    words = "the model's own" if default is None else default
    parser.add_argument(
        "--score-thresh",
        type=score,
        default=default,
        metavar="X",
        help=f"the least score of a triplet (default: {words})",
    )


def _show_dataset(args: argparse.Namespace) -> int:
    if args.data and args.images is None:
        raise InputError("the folder of the images is not given", field="--images")
    if args.images and not args.data:
        raise InputError("is for --data, which is not given", field="--images")
    from choi_d2.data.datasets.own_files import own_dataset

    if args.data:
        with own_dataset(args.data, args.images) as name:
            return _draw([name], args)
    return _draw([args.dataset] if args.dataset else [], args)


def _draw(names: list[str], args: argparse.Namespace) -> int:
    from choi_d2.engine import load_config, load_prediction_config
    from choi_d2.inference import HOIPredictor
    from choi_d2.inference.bundles import find_model
    from choi_d2.inspection.dataset_pictures import Look, draw_datasets

    predictor = None
    if args.source == "predictions":
        weights = find_model(args.model) if args.model else ""
        cfg = load_prediction_config(args.config_file, weights, args.opts)
        predictor = HOIPredictor(cfg)
    else:
        cfg = load_config(args.config_file, args.opts, data_sets=not names)
    look = Look(
        source=args.source,
        number=args.num,
        shuffle=args.shuffle,
        seed=args.seed,
        masks=args.masks,
        faces=args.faces,
        score_thresh=args.score_thresh,
    )
    drawn, skipped = draw_datasets(names, cfg, look, args.output, predictor=predictor)
    if args.json:
        print_json({"drawn": drawn, "skipped": skipped, "output": args.output})
    else:
        print(f"{drawn} image(s) drawn in {args.output}, {skipped} skipped")
    return 0 if drawn and not skipped else 1


def _show_results(args: argparse.Namespace) -> int:
    from choi_d2.inspection.result_pictures import at_least, draw_result, read_results
    from choi_d2.utils.output_names import OutputNames

    names, failed = OutputNames(), 0
    for result in read_results(args.file):
        result = at_least(result, args.score_thresh)
        if args.json:
            print(result.to_json())
        elif args.output is None:
            print(result)
        if args.output is None:
            continue
        try:
            draw_result(
                result,
                args.output,
                names,
                images=args.images,
                masks=args.masks,
                faces=args.faces,
            )
        except InputError as error:
            print(f"skipped: {error}", file=sys.stderr)
            failed += 1
    return 1 if failed else 0


def _show_inner(args: argparse.Namespace) -> int:
    from choi_d2.inference.model_choice import choose_model
    from choi_d2.inference.sources import open_source
    from choi_d2.inspection.inner_pictures import save_inner, summary
    from choi_d2.inspection.inner_view import look_inside
    from choi_d2.utils.output_names import OutputNames

    failed: list[InputError] = []
    output = Path(args.output)
    pictures = open_source(args.sources, on_error=failed.append, outside=output)
    predictor = choose_model(args.model, args.config_file, opts=args.opts).build()
    names, told = OutputNames(), []
    for picture in pictures:
        view = look_inside(predictor, picture)
        paths = save_inner(
            view,
            output,
            names,
            point=args.point,
            score_thresh=predictor.least_score(args.score_thresh),
            suffix=f".{args.format}",
        )
        if args.json:
            told.append({**view.to_dict(), "figures": [str(path) for path in paths]})
        else:
            print(summary(view, args.point), *(f"  {path}" for path in paths), sep="\n")
    if args.json:
        print_json({"pictures": told, "failed": [str(error) for error in failed]})
    for error in failed:
        print(f"skipped: {error}", file=sys.stderr)
    return 1 if failed else 0
