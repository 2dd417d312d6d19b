#!/usr/bin/env python
"""Draw the annotated triplets of a data set, or those that a model finds in its images.

    python tools/visualize_data.py --dataset hoiw_train --output-dir output/look --num 30
    python tools/visualize_data.py --json my/train.json --images my/images/train
    python tools/visualize_data.py --json my/val.json --images my/images/val \\
        --source predictions --weights output/my/model_final.pth
    python tools/visualize_data.py --config-file configs/HOIW/choi_R_50_FPN.yaml \\
        --source pairs --output-dir output/look --shuffle

"annotation" draws the images as they are on disk. "dataloader" draws what the model is trained
with: through the training mapper, resized, flipped, and without the instances that it leaves out.
"pairs" adds the faces and the pairs that an interaction network could get of that image, sampled by
the config's numbers: a positive pair is an arrow from human to object with its verbs, a negative
one a grey line with a dot at the human. They are pairs of the annotated boxes, which join every
sample; those of a network's own boxes, which change as it learns, are not drawn.
"predictions" puts what a model finds beside what is annotated; the model needs to know nothing of
the data set. Photos without a data set are demo/demo.py's.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from detectron2.config import CfgNode
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.modeling.matcher import Matcher
from detectron2.utils.env import seed_all_rng
from detectron2.utils.logger import setup_logger
from torch import Tensor
from tqdm import tqdm

from choi_d2.data import HOIDatasetMapper, check_registered
from choi_d2.data.datasets.own_files import own_dataset
from choi_d2.engine import load_config, load_prediction_config
from choi_d2.engine.model_card import vocabulary_facts
from choi_d2.inference import HOIPredictor
from choi_d2.modeling.roi_heads.interaction_sampler import (
    PairRules,
    PairSampling,
    sample_training_pairs,
)
from choi_d2.modeling.roi_heads.stage_regions import label_stage_outputs
from choi_d2.pictures import read_picture, size_error
from choi_d2.pictures.formats import to_rgb
from choi_d2.structures import HOIAnnotations, dataset_vocabulary
from choi_d2.utils import InputError, clean_exit
from choi_d2.utils.output_names import OutputNames, path_below
from choi_d2.visualization import TripletVisualizer, save_picture, side_by_side

logger = logging.getLogger("choi_d2.visualize_data")

SOURCES = ("annotation", "dataloader", "pairs", "predictions")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    args = _parser().parse_args(arguments)
    setup_logger(name="choi_d2")
    if args.json:
        if args.images is None:
            raise InputError("the folder of the images is not given", field="--images")
        with own_dataset(args.json, args.images) as name:
            return draw_all([name], args)
    return draw_all([args.dataset] if args.dataset else [], args)


def draw_all(names: list[str], args: argparse.Namespace) -> int:
    """Draw these data sets, or the training sets of the config; returns the exit status.

    Raises:
        InputError: there is no data set, or the options do not go together.
    """
    if args.source == "predictions":
        cfg = load_prediction_config(args.config_file, args.weights, args.opts)
    else:
        cfg = load_config(args.config_file, args.opts, data_sets=not names)
    if args.masks and args.source not in ("annotation", "predictions") and not cfg.MODEL.MASK_ON:
        raise InputError(
            "--masks: the mapper hands on masks only where MODEL.MASK_ON is True",
            field="MODEL.MASK_ON",
            hint="Add --opts MODEL.MASK_ON True.",
        )
    given, names = names, names or list(cfg.DATASETS.TRAIN)
    if not names:
        raise InputError(
            "no data set to draw", hint="Give --json and --images, --dataset, or --config-file."
        )
    check_registered(names, field="--dataset" if given else "DATASETS.TRAIN")
    predictor = HOIPredictor(cfg) if args.source == "predictions" else None

    drawn, skipped, output_names = 0, 0, OutputNames()
    for name in names:
        records = choose(DatasetCatalog.get(name), args)
        metadata = MetadataCatalog.get(name)
        seed_all_rng(args.seed)
        mapper = None
        if args.source in ("dataloader", "pairs"):
            cfg = with_words_of(cfg, name)
            mapper = HOIDatasetMapper(cfg, is_train=True)
        for place, record in tqdm(records, desc=name, unit="image", dynamic_ncols=True):
            try:
                if predictor is not None:
                    picture = draw_predictions(record, metadata, predictor, args)
                else:
                    picture = draw(record, metadata, mapper, cfg, args)
            except InputError as error:
                logger.warning("Skipped: %s", error)
                skipped += 1
                continue
            stem = Path(record["file_name"]).stem
            target = output_names.take(f"{name}/{place:06d}_{stem}") + ".jpg"
            save_picture(path_below(args.output_dir, target), picture)
            drawn += 1
    logger.info("%d image(s) drawn in %s, %d skipped", drawn, args.output_dir, skipped)
    return 0 if drawn else 1


def choose(records: Sequence[dict], args: argparse.Namespace) -> list[tuple[int, dict]]:
    """(place in the data set, record) of the records to draw."""
    places = list(range(len(records)))
    if args.shuffle:
        random.Random(args.seed).shuffle(places)
    return [(place, records[place]) for place in places[: args.num]]


def draw(
    record: Mapping,
    metadata,
    mapper: HOIDatasetMapper | None,
    cfg: CfgNode,
    args: argparse.Namespace,
) -> np.ndarray:
    """uint8 (H, W, 3), RGB: the drawing of one record, through ``mapper`` where there is one.

    Raises:
        InputError: the image cannot be read, or has not the size that the record says.
    """
    if mapper is not None:
        sample = mapper(record)
        if sample is None:
            raise InputError("the image cannot be read", path=record["file_name"])
        image = to_rgb(sample["image"].permute(1, 2, 0), cfg.INPUT.FORMAT)
        visualizer = TripletVisualizer(image, metadata)
        if args.source == "pairs":
            pairs = sample_pairs_of_truth(sample, cfg)
            visualizer.draw_sample(
                {**sample, "interactions": pairs.positive},
                masks=args.masks,
                faces=True,
                other_pairs=pairs.negative,
            )
            return side_by_side([visualizer.get_image()], [pairs.described])
        return visualizer.draw_sample(sample, masks=args.masks, faces=args.faces).get_image()

    image = _read(record)[:, :, ::-1]
    visualizer = TripletVisualizer(image, metadata)
    return visualizer.draw_ground_truth(record, masks=args.masks, faces=args.faces).get_image()


def with_words_of(cfg: CfgNode, name: str) -> CfgNode:
    """The config of a model that would be trained on this data set alone."""
    vocabulary = dataset_vocabulary(name)
    cfg = cfg.clone()
    if vocabulary is not None:
        facts = vocabulary_facts(vocabulary)
        cfg.merge_from_list([part for fact in facts.items() for part in fact])
    return cfg


def draw_predictions(
    record: Mapping, metadata, predictor: HOIPredictor, args: argparse.Namespace
) -> np.ndarray:
    """uint8 (H, W, 3), RGB: what is annotated in one image, where anything is, and what is found.

    Raises:
        InputError: the image cannot be read, or has not the size that the record says.
    """
    image = _read(record)
    outputs = predictor.outputs(image, file_name=record["file_name"])
    found = TripletVisualizer(image[:, :, ::-1], predictor.metadata).draw_predictions(
        outputs["instances"],
        outputs["interactions"],
        args.score_thresh,
        faces=outputs.get("faces") if args.faces else None,
        masks=args.masks,
    )
    if "annotations" not in record:
        return found.get_image()
    annotated = TripletVisualizer(image[:, :, ::-1], metadata)
    annotated.draw_ground_truth(record, masks=args.masks, faces=args.faces)
    return side_by_side([annotated.get_image(), found.get_image()], ["annotated", "predicted"])


def _read(record: Mapping) -> np.ndarray:
    image = read_picture(record["file_name"])
    expected = record.get("height", image.shape[0]), record.get("width", image.shape[1])
    if image.shape[:2] != expected:
        raise size_error(image.shape[:2], expected, path=record["file_name"])
    return image


class SampledPairs(NamedTuple):
    """What training samples of one image.

    Attributes:
        positive: the annotated pairs of the sample, with their verbs.
        negative: Tensor[P, 2] int64, its un-annotated pairs as (human, object).
        described: how many they are, and of how many.
    """

    positive: HOIAnnotations
    negative: Tensor
    described: str


def sample_pairs_of_truth(sample: Mapping, cfg: CfgNode) -> SampledPairs:
    """Sample pairs of annotated boxes as a stage does in training (Sec. 4).

    Args:
        sample: what the training mapper returned.
        cfg: the data set's rules and the size of a sample.
    """
    truth, annotations = sample["instances"], sample["interactions"]
    rules = PairRules.from_config(cfg)
    no_box = torch.zeros(0, 4)
    matcher = Matcher(list(cfg.MODEL.ROI_BOX_CASCADE_HEAD.IOUS[:1]), [0, 1])
    regions = label_stage_outputs(no_box, no_box, truth, matcher)
    labelled, every = (
        sample_training_pairs(regions, annotations, truth, rules=rules, sampling=sampling)
        for sampling in (PairSampling.from_config(cfg), PairSampling(1 << 30, 0.5))
    )
    pairs, positive = labelled.regions.matched[labelled.pairs], labelled.annotated
    faces = len(sample["faces"]) if "faces" in sample else 0
    return SampledPairs(
        HOIAnnotations(pairs[positive], labelled.verbs[positive]),
        pairs[~positive],
        f"sampled: {int(positive.sum())} of {len(annotations)} positive pairs, "
        f"{int((~positive).sum())} of {int((~every.annotated).sum())} negative; "
        f"{faces} face{'s' * (faces != 1)}",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", choices=SOURCES, default="annotation")
    parser.add_argument("--config-file", default="", metavar="FILE", help="YAML of the model")
    parser.add_argument(
        "--dataset", metavar="NAME", help="a registered data set (default: DATASETS.TRAIN)"
    )
    parser.add_argument("--json", metavar="FILE", help="in its place a JSON of your own")
    parser.add_argument("--images", metavar="DIR", help="the folder of its images")
    parser.add_argument(
        "--weights", default="", metavar="FILE", help="predictions: the model, a checkpoint"
    )
    parser.add_argument(
        "--score-thresh",
        type=float,
        default=0.15,
        metavar="X",
        help="predictions: the least score of a triplet (default: %(default)s)",
    )
    parser.add_argument(
        "--output-dir",
        default="output/visualize_data",
        metavar="DIR",
        help="drawings go to DIR/NAME/ (default: %(default)s)",
    )
    parser.add_argument(
        "--num", type=int, default=20, metavar="N", help="images to draw (default: %(default)s)"
    )
    parser.add_argument("--shuffle", action="store_true", help="random images, not the first ones")
    parser.add_argument(
        "--seed", type=int, default=0, help="of --shuffle and the augmentations (default: 0)"
    )
    parser.add_argument("--masks", action="store_true", help="masks in place of boxes")
    parser.add_argument("--faces", action="store_true", help="face boxes, too")
    parser.add_argument(
        "--opts",
        nargs=argparse.REMAINDER,
        default=[],
        metavar="KEY VALUE",
        help="config keys to override; comes last",
    )
    return parser


if __name__ == "__main__":
    with clean_exit():
        sys.exit(main())
