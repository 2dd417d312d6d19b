"""Pictures of a data set: what is annotated, what training sees of it, what a model finds in it."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from detectron2.config import CfgNode
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.utils.env import seed_all_rng
from tqdm import tqdm

from choi_d2.data import HOIDatasetMapper, check_registered
from choi_d2.inference import HOIPredictor
from choi_d2.pictures import read_picture, size_error
from choi_d2.pictures.formats import to_rgb
from choi_d2.utils import InputError
from choi_d2.utils.output_names import OutputNames, path_below
from choi_d2.visualization import TripletVisualizer, save_picture, side_by_side

from .training_samples import sample_pairs_of_truth, with_words_of

logger = logging.getLogger(__name__)

SOURCES = ("annotation", "dataloader", "pairs", "predictions")


@dataclass(frozen=True)
class Look:
    """What is drawn.

    Attributes:
        source: "annotation": the images as they are on disk. "dataloader": what the model is
            trained with: through the training mapper, resized, flipped, and without the instances
            that it leaves out. "pairs": also the faces and the pairs that an interaction network
            could get of that image, sampled by the config's numbers: a positive pair is an arrow
            from human to object with its verbs, a negative one a grey line with a dot at the human.
            They are pairs of the annotated boxes, which join every sample; those of a network's own
            boxes, which change as it learns, are not drawn. "predictions": what a model finds,
            beside what is annotated.
        number: of images.
        shuffle: random images, not the first ones.
        seed: of ``shuffle`` and of the augmentations.
        masks: masks in place of boxes.
        faces: face boxes, too.
        score_thresh: of "predictions", the least score of a triplet; None: the model's own.
    """

    source: str = "annotation"
    number: int = 20
    shuffle: bool = False
    seed: int = 0
    masks: bool = False
    faces: bool = False
    score_thresh: float | None = None


class Drawn(NamedTuple):
    """How many images were drawn, and how many were left out because they cannot be read."""

    drawn: int
    skipped: int


def draw_datasets(
    names: Sequence[str],
    cfg: CfgNode,
    look: Look,
    output: str | os.PathLike,
    *,
    predictor: HOIPredictor | None = None,
) -> Drawn:
    """Draw images of data sets to ``output/NAME/``.

    Args:
        names: registered data sets; none means the config's ``DATASETS.TRAIN``.
        cfg: how training prepares and samples them.
        look: what is drawn.
        output: the folder.
        predictor: of ``look.source`` "predictions".

    Raises:
        InputError: there is no data set, or it does not go with what is asked for.
    """
    if look.masks and look.source in ("dataloader", "pairs") and not cfg.MODEL.MASK_ON:
        raise InputError(
            "--masks: the mapper hands on masks only where MODEL.MASK_ON is True",
            field="MODEL.MASK_ON",
            hint="Add --opts MODEL.MASK_ON True.",
        )
    given, names = names, list(names) or list(cfg.DATASETS.TRAIN)
    if not names:
        raise InputError(
            "no data set to draw", hint="Give --data and --images, --dataset, or --config-file."
        )
    check_registered(names, field="--dataset" if given else "DATASETS.TRAIN")
    drawn, skipped, output_names = 0, 0, OutputNames()
    for name in names:
        records = _choose(DatasetCatalog.get(name), look)
        metadata = MetadataCatalog.get(name)
        seed_all_rng(look.seed)
        mapper = None
        if look.source in ("dataloader", "pairs"):
            cfg = with_words_of(cfg, name)
            mapper = HOIDatasetMapper(cfg, is_train=True)
        for place, record in tqdm(records, desc=name, unit="image", dynamic_ncols=True):
            try:
                if predictor is not None:
                    picture = _draw_predictions(record, metadata, predictor, look)
                else:
                    picture = _draw(record, metadata, mapper, cfg, look)
            except InputError as error:
                logger.warning("Skipped: %s", error)
                skipped += 1
                continue
            stem = Path(record["file_name"]).stem
            target = output_names.take(f"{name}/{place:06d}_{stem}") + ".jpg"
            save_picture(path_below(output, target), picture)
            drawn += 1
    return Drawn(drawn, skipped)


def _choose(records: Sequence[dict], look: Look) -> list[tuple[int, dict]]:
    """(place in the data set, record) of the records to draw."""
    places = list(range(len(records)))
    if look.shuffle:
        random.Random(look.seed).shuffle(places)
    return [(place, records[place]) for place in places[: look.number]]


def _draw(
    record: Mapping,
    metadata,
    mapper: HOIDatasetMapper | None,
    cfg: CfgNode,
    look: Look,
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
        if look.source == "pairs":
            pairs = sample_pairs_of_truth(sample, cfg)
            visualizer.draw_sample(
                {**sample, "interactions": pairs.positive},
                masks=look.masks,
                faces=True,
                other_pairs=pairs.negative,
            )
            return side_by_side([visualizer.get_image()], [pairs.described])
        return visualizer.draw_sample(sample, masks=look.masks, faces=look.faces).get_image()

    image = _read(record)[:, :, ::-1]
    visualizer = TripletVisualizer(image, metadata)
    return visualizer.draw_ground_truth(record, masks=look.masks, faces=look.faces).get_image()


def _draw_predictions(record: Mapping, metadata, predictor: HOIPredictor, look: Look) -> np.ndarray:
    """uint8 (H, W, 3), RGB: what is annotated in one image, where anything is, and what is found.

    Raises:
        InputError: the image cannot be read, or has not the size that the record says.
    """
    image = _read(record)
    outputs = predictor.outputs(image, file_name=record["file_name"])
    found = TripletVisualizer(image[:, :, ::-1], predictor.metadata).draw_predictions(
        outputs["instances"],
        outputs["interactions"],
        predictor.least_score(look.score_thresh),
        faces=outputs.get("faces") if look.faces else None,
        masks=look.masks,
    )
    if "annotations" not in record:
        return found.get_image()
    annotated = TripletVisualizer(image[:, :, ::-1], metadata)
    annotated.draw_ground_truth(record, masks=look.masks, faces=look.faces)
    return side_by_side([annotated.get_image(), found.get_image()], ["annotated", "predicted"])


def _read(record: Mapping) -> np.ndarray:
    image = read_picture(record["file_name"])
    expected = record.get("height", image.shape[0]), record.get("width", image.shape[1])
    if image.shape[:2] != expected:
        raise size_error(image.shape[:2], expected, path=record["file_name"])
    return image
