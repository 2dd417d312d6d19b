#!/usr/bin/env python
"""From nothing to drawn triplets: draw scenes, train on some, evaluate and draw others.

    python demo/run_synthetic.py --output output/demo

About ten minutes on two CPU cores. Writes the scenes to $DETECTRON2_DATASETS/synthetic_hoiw
(./datasets by default), and to the output folder checkpoints, log, metrics.json and pictures/.
Started again, it goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shlex
import shutil
import sys
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import detectron2
import torch
from detectron2.config import CfgNode
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.engine import default_setup
from detectron2.evaluation import DatasetEvaluator, DatasetEvaluators, inference_on_dataset
from detectron2.structures import Instances
from detectron2.utils.logger import setup_logger
from tqdm import tqdm

import choi_d2
from choi_d2.data import register_all
from choi_d2.engine import HOITrainer, load_config
from choi_d2.evaluation import HOIWEvaluator, InstanceDetectionEvaluator, VerbsByClass
from choi_d2.pictures import read_picture
from choi_d2.synthetic import make_dataset
from choi_d2.utils import clean_exit, write_json
from choi_d2.visualization import TripletVisualizer, side_by_side
from choi_d2.visualization.pictures import save_picture

ROOT = Path(__file__).resolve().parent.parent
SIZES = {"train": 2000, "val": 240, "test": 240}


def main(arguments: Sequence[str] | None = None) -> dict:
    """Run the demo; returns what it writes to metrics.json."""
    args = _parser().parse_args(arguments)
    started = time.perf_counter()
    # First what may be wrong: drawing takes a minute.
    cfg = load_config(args.config_file, args.opts)
    data_root = Path(os.getenv("DETECTRON2_DATASETS", ROOT / "datasets"))
    print(f"1. Drawing {sum(SIZES.values())} scenes in {data_root / 'synthetic_hoiw'}", flush=True)
    make_dataset(data_root / "synthetic_hoiw", seed=args.seed, sizes=SIZES)
    register_all(data_root)

    cfg.merge_from_list(["OUTPUT_DIR", args.output, "SEED", args.seed])
    cfg.freeze()
    default_setup(cfg, None)
    setup_logger(cfg.OUTPUT_DIR, name="choi_d2")

    print(f"2. Training for {cfg.SOLVER.MAX_ITER} iterations (the log tells the ETA)", flush=True)
    training = cfg.clone()
    training.defrost()
    training.DATASETS.TEST = ()  # evaluated once, below
    trainer = HOITrainer(training)
    trainer.resume_or_load(resume=True)
    trainer.train()

    name = cfg.DATASETS.TEST[0]
    print(f"3. Evaluating on {name}, whose scenes training has never seen", flush=True)
    metrics, outputs = evaluate(cfg, trainer.model, name)
    print("4. Drawing ground truth and prediction side by side", flush=True)
    folder = Path(args.output) / "pictures"
    draw(name, outputs, folder, args.pictures, args.seed)

    metrics.update(
        seconds=round(time.perf_counter() - started, 1),
        seed=args.seed,
        versions={
            "choi_d2": choi_d2.__version__,
            "detectron2": detectron2.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    )
    path = Path(args.output) / "metrics.json"
    write_json(path, metrics, indent=1)
    print(
        f"mAP_rel {metrics['mAP_rel']:.3f} (verbs from the object's class alone: "
        f"{metrics['mAP_rel_prior_only']:.3f}), box AP50 {metrics['AP50_box']:.3f}\n"
        f"Numbers: {path}\nPictures: {folder}/\n"
        "Let the model look at another drawn scene, or at a picture of your own:\n"
        f"  {_predict_command(args.output, data_root)}"
    )
    return metrics


def _predict_command(output: str, data_root: Path) -> str:
    """How the trained model is used; a command to be copied, whatever is installed where."""
    # make demo's Python is in an environment that may not be active.
    beside = Path(sys.executable).with_name("choi")
    choi = str(beside) if shutil.which("choi") is None and beside.exists() else "choi"
    scene = data_root / "synthetic_hoiw" / "images" / "test" / "test_000000.jpg"
    words = [choi, "predict", scene, "--model", Path(output, "model_final.pth")]
    return shlex.join([*map(str, words), "--output", str(Path(output, "predicted"))])


def evaluate(
    cfg: CfgNode, model: torch.nn.Module, name: str
) -> tuple[dict[str, float], dict[str, dict[str, Instances]]]:
    """Metrics as fractions, and the predictions by image id."""
    prior = model.roi_heads.semantic_prior
    keep = KeepOutputs()
    evaluators = OrderedDict(
        model=HOIWEvaluator(name, output_dir=os.path.join(cfg.OUTPUT_DIR, "inference")),
        prior_only=VerbsByClass(HOIWEvaluator(name), prior),
        boxes=InstanceDetectionEvaluator(name),
        keep=keep,
    )
    results = inference_on_dataset(
        model, HOITrainer.build_test_loader(cfg, name), EachByName(evaluators)
    )
    metrics = {
        "mAP_rel": results["model"]["hoi"]["mAP_rel"] / 100,
        "mAP_rel_prior_only": results["prior_only"]["hoi"]["mAP_rel"] / 100,
        "AP50_box": results["boxes"]["bbox"]["AP50"] / 100,
        "scenes": len(keep.outputs),
    }
    return metrics, keep.outputs


class EachByName(DatasetEvaluators):
    """Several evaluators on the same predictions, even of one kind: their results by name."""

    def __init__(self, evaluators: OrderedDict[str, DatasetEvaluator]):
        super().__init__(list(evaluators.values()))
        self._names = list(evaluators)

    def evaluate(self) -> dict[str, dict]:
        """Results by name."""
        return {name: e.evaluate() for name, e in zip(self._names, self._evaluators)}


class KeepOutputs(DatasetEvaluator):
    """Keeps the predictions, for drawing."""

    def reset(self) -> None:
        """Forget them."""
        self.outputs: dict[str, dict[str, Instances]] = {}

    def process(self, inputs, outputs) -> None:
        """Keep a batch."""
        self.outputs.update({x["image_id"]: y for x, y in zip(inputs, outputs)})


def draw(name: str, outputs: dict, folder: Path, count: int, seed: int) -> None:
    """Pictures of a random choice of scenes: ground truth beside prediction."""
    metadata = MetadataCatalog.get(name)
    records = [r for r in DatasetCatalog.get(name) if r["image_id"] in outputs]
    for record in tqdm(random.Random(seed).sample(records, min(count, len(records)))):
        image = read_picture(record["file_name"])[:, :, ::-1]
        truth = TripletVisualizer(image, metadata).draw_ground_truth(record)
        output = outputs[record["image_id"]]
        found = TripletVisualizer(image, metadata)
        found.draw_predictions(output["instances"], output["interactions"], score_thresh=0.1)
        panels = side_by_side(
            [truth.get_image(), found.get_image()], ["ground truth", "prediction"]
        )
        save_picture(folder / f"{Path(record['file_name']).stem}.png", panels)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output", default="output/demo", metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument(
        "--config-file",
        default=str(ROOT / "configs" / "synthetic" / "choi_R_18_FPN.yaml"),
        metavar="FILE",
        help="default: %(default)s",
    )
    parser.add_argument("--seed", type=int, default=1, help="of scenes and training")
    parser.add_argument("--pictures", type=int, default=24, help="how many scenes are drawn")
    parser.add_argument(
        "--opts",
        nargs=argparse.REMAINDER,
        default=[],
        metavar="KEY VALUE",
        help="config keys to override; the last option",
    )
    return parser


if __name__ == "__main__":
    with clean_exit():
        main()
