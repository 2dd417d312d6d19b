"""Find who does what with what in photos, folders, videos or a camera.

  choi predict photo.jpg
  choi predict photo.jpg holiday/ 'more/*.png' clip.mp4 --output found
  choi predict photos/ --output found --model output/my/model_final.pth --json-lines --csv
  choi predict photos/ --output found --json-lines --no-draw --shard 2/8
  find photos -name '*.jpg' | choi predict - --output found
  choi predict clip.mp4 --output found --track
  choi predict 0 --output found --vid-stride 5

Without --output the triplets are printed in words, or with --json as a line of JSON for each
picture. With it, DIR gets of a photo a.jpg the drawing a.jpg (.png for photos that are no JPEGs)
and a.json, of a video clip.mp4 the drawn clip.mp4 and clip.jsonl, a line for each frame;
--json-lines writes results.jsonl in place of the JSONs:

  {"file_name": "holiday/a.jpg", "height": 960, "width": 1280,
   "instances": [{"box": [x1, y1, x2, y2], "category": "person", "score": 0.98}, ...],
   "triplets": [{"human": 0, "verb": "ride", "object": 3, "score": 0.83}, ...], ...}

Boxes are in the picture's pixels; "human" and "object" count the instances from 0 ("object" is null
for a verb without object); the best triplet is the first. With --masks, instances also have
"segmentation" (COCO's compressed run lengths), and with --faces there is a list of face boxes.
Frames of a video have "frame" and "time" (seconds), and with --track instances have "track": the
number that a person or thing keeps over the frames, null for who was not recognised again.

Started again, the same command does what is not done. Files that cannot be read are named and
counted, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from choi_d2.utils import InputError

from .arguments import add_found, add_opts, positive, print_json
from .logs import logging_to_stderr


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Sources, model, what is found, what is written."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="photos, folders (searched with the folders in them), quoted patterns, videos, the "
        "number of a camera, or - for paths on stdin, one a line",
    )
    parser.add_argument("--output", metavar="DIR", help="folder for drawings and results")
    model = parser.add_argument_group("model")
    model.add_argument(
        "--model",
        "--weights",
        dest="model",
        default="",
        metavar="MODEL",
        help="a shipped model's name, a bundle or a checkpoint (default: photos, where it is "
        "shipped; `choi models` lists them)",
    )
    model.add_argument(
        "--config-file",
        default="",
        metavar="YAML",
        help="the model's config (default: the one in the weights)",
    )
    model.add_argument("--device", help="cpu, cuda, cuda:1, ... (default: a GPU if there is one)")
    model.add_argument(
        "--fast",
        action="store_true",
        help="less time a picture, for results that differ a little (docs/benchmarks.md)",
    )
    model.add_argument(
        "--augment",
        action="store_true",
        help="look at several sizes of a picture and their mirror images, for better results that "
        "take several times as long (TEST.AUG)",
    )
    model.add_argument(
        "--batch-size",
        type=positive,
        default=1,
        metavar="N",
        help="pictures that are looked at together (default: 1)",
    )
    found = parser.add_argument_group("what is found")
    add_found(found)
    found.add_argument(
        "--vid-stride",
        type=positive,
        default=1,
        metavar="N",
        help="of a video or camera, every N-th frame (default: 1)",
    )
    found.add_argument(
        "--track",
        action="store_true",
        help="let people and things keep a number, and people a colour, over the frames of a video "
        "or camera; needs the package trackers",
    )
    written = parser.add_argument_group("what is written")
    written.add_argument("--no-draw", action="store_true", help="results alone")
    written.add_argument(
        "--json-lines", action="store_true", help="results.jsonl in place of a JSON for each"
    )
    written.add_argument(
        "--csv", action="store_true", help="at the end also results.csv, a line for each triplet"
    )
    written.add_argument(
        "--shard", type=_shard, default=(1, 1), metavar="I/N", help="do the I-th of N parts"
    )
    written.add_argument(
        "--overwrite", action="store_true", help="do what is done already once more"
    )
    written.add_argument(
        "--json",
        action="store_true",
        help="print for programs: without --output a line for each picture, else the summary",
    )
    add_opts(parser)


def run(args: argparse.Namespace) -> int:
    """Predict; 1 if some of the pictures failed.

    Raises:
        InputError: nothing is there, the model is wrong, or the output folder cannot be used.
    """
    if args.output is None:
        for name in ("no_draw", "json_lines", "csv", "overwrite"):
            if getattr(args, name):
                raise InputError("needs --output", field=f"--{name.replace('_', '-')}")
    # A file name may be no text at all.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    with logging_to_stderr():
        return _print(args) if args.output is None else _write(args)


def _write(args: argparse.Namespace) -> int:
    from choi_d2.inference.folder_run import FolderRun
    from choi_d2.inference.model_choice import identity
    from choi_d2.inference.result_store import find_written
    from choi_d2.inference.run_items import check_output, list_items

    options, output = _options(args), Path(args.output).expanduser()
    written = {} if args.overwrite else find_written(output)
    sources, listed = _sources(args)
    items, missing = list_items(sources, output, listed=listed, written=written)
    check_output(items, output)
    _check_track(args, items)
    choice = _choose(args)
    folder_run = FolderRun(items, output, options, written=written, model=identity(choice))
    summary = folder_run.summary
    summary.failed += [(name, f"{name}: no such file") for name in missing]
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        folder_run.run(lambda: choice.build(faces=args.faces))
    except (KeyboardInterrupt, OSError):
        print(f"{summary}\nThe same command goes on.", file=sys.stderr)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
    if args.json:
        print_json(summary.to_dict())
    else:
        print(summary)
    return 1 if summary.failed else 0


def _print(args: argparse.Namespace) -> int:
    from choi_d2.inference.printing import results_of
    from choi_d2.inference.run_items import list_items

    sources, listed = _sources(args)
    items, missing = list_items(sources, listed=listed)
    _check_track(args, items)
    number, count = args.shard
    choice = _choose(args)
    failed = [f"{name}: no such file" for name in missing]
    predictor = choice.build(faces=args.faces)
    for result in results_of(predictor, items[number - 1 :: count], _options(args), failed.append):
        print(result.to_json(masks=args.masks) if args.json else result, flush=True)
    for error in failed:
        print(f"failed: {error}", file=sys.stderr)
    return 1 if failed else 0


def _choose(args: argparse.Namespace):
    from choi_d2.inference.model_choice import choose_model

    return choose_model(
        args.model,
        args.config_file,
        args.device,
        args.opts,
        fast=args.fast,
        augment=args.augment,
    )


def _options(args: argparse.Namespace):
    from choi_d2.inference.run_options import RunOptions

    return RunOptions(
        score_thresh=args.score_thresh,
        max_triplets=args.max_triplets,
        masks=args.masks,
        faces=args.faces,
        all_instances=args.all_instances,
        draw=not args.no_draw,
        json_lines=args.json_lines,
        csv=args.csv,
        vid_stride=args.vid_stride,
        track=args.track,
        batch_size=args.batch_size,
        shard=args.shard,
        overwrite=args.overwrite,
    )


def _check_track(args: argparse.Namespace, items) -> None:
    """Refuse to track without a tracker or a video, before the model is loaded."""
    if not args.track:
        return
    from choi_d2.inference.tracking import check_tracker, say_that_photos_are_not_tracked

    check_tracker()
    if items and not any(item.is_video for item in items):
        raise InputError(
            "is for videos and cameras, and no SOURCE is one: nobody in a photo is followed",
            field="--track",
            hint="Leave it out.",
        )
    if not all(item.is_video for item in items):
        say_that_photos_are_not_tracked()


def _sources(args: argparse.Namespace) -> tuple[list[str], list[str]]:
    """What was typed, and what stdin lists."""
    typed = [source for source in args.sources if source != "-"]
    if len(typed) == len(args.sources):
        return typed, []
    return typed, [line for line in sys.stdin.read().splitlines() if line.strip()]


def _shard(text: str) -> tuple[int, int]:
    first, _, second = text.partition("/")
    if first.isdecimal() and second.isdecimal() and 1 <= int(first) <= int(second):
        return int(first), int(second)
    raise argparse.ArgumentTypeError(f"expected I/N with 1 <= I <= N, such as 2/8, found {text!r}")


def _interrupt(signum, frame):
    raise KeyboardInterrupt
