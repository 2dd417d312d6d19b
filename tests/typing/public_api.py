"""A program that uses the public API; a type checker reads it, nobody runs it."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from choi_d2 import HOIPredictor, HOIResult
from choi_d2.data import register_hoi_instances
from choi_d2.data.faces import Faces, NoFaceDetector
from choi_d2.engine import (
    HOICheckpointer,
    HOITrainer,
    check_config,
    launch_or_join,
    load_config,
    load_prediction_config,
    load_trained,
    write_results,
)
from choi_d2.evaluation import HOIWEvaluator, build_evaluator
from choi_d2.evaluation.findings import Findings
from choi_d2.evaluation.hoiw_files import evaluate_hoiw_files
from choi_d2.inference import (
    About,
    Detections,
    Picture,
    Triplet,
    Triplets,
    find_photos,
    open_source,
    read_about,
    read_coco_results,
    shipped_models,
    write_bundle,
)
from choi_d2.pictures import read_picture
from choi_d2.structures import Vocabulary
from choi_d2.synthetic import draw_scene, make_dataset
from choi_d2.utils import InputError
from choi_d2.visualization import TripletVisualizer, save_picture


def predict(model: str, folder: Path) -> list[str]:
    """Photos, from whatever source, in words."""
    predictor = HOIPredictor.from_pretrained(model, device="cpu", faces="none")
    results: list[HOIResult] = predictor(folder)
    first: HOIResult = predictor("photo.jpg")[0]
    broken: list[InputError] = []
    stream: Iterator[HOIResult] = predictor(
        ["photos/*.jpg", np.zeros((4, 4, 3), np.uint8), Image.new("RGB", (8, 8)), 0],
        stream=True,
        batch_size=4,
        vid_stride=5,
        score_thresh=0.3,
        max_triplets=None,
        on_error=broken.append,
    )
    results += [*stream, first]
    return [str(result) for result in results] + [str(error.hint) for error in broken]


def look(result: HOIResult) -> dict[str, int]:
    """A result, its triplets, and what one makes of them."""
    riders: Triplets = result.triplets.filter(verb=["ride", "sit on"], object="bike", score=0.3)
    sure: Triplets = result.triplets[result.triplets.scores >= 0.5]
    best: Triplet = result.triplets[0]
    counts: Counter[str] = riders.count()
    again: int = sure.count(best)
    where: str = "nothing" if best.object is None else best.object.upper()
    box: np.ndarray = result.boxes[best.human_index] - best.human_box
    masks: np.ndarray | None = result.masks
    area = 0.0 if masks is None else float(masks.sum())
    result.save("drawn.jpg", masks=True, faces=True)
    save_picture("drawn.png", result.draw(all_instances=True))
    text: str = result.to_json("a.json", masks=True) + result.to_csv()
    same: HOIResult = HOIResult.from_dict(result.to_dict())
    print(text, where, box, area, again, same.vocabulary.human, [x.verb for x in riders])
    return dict(counts)


def other_boxes(predictor: HOIPredictor) -> list[HOIResult]:
    """Another detector's boxes, by a function, by file name and in a list."""

    def detect(picture: Picture) -> Detections:
        height, width = picture.image.shape[:2]
        boxes = np.array([[0, 0, width, height]], np.float32)
        return Detections(boxes, ["person"], np.ones(1, np.float32))

    by_name: dict[str, Detections] = read_coco_results("results.json", "annotations.json")
    pictures: Iterator[Picture] = open_source("photos", on_error=lambda error: print(error))
    results = [*predictor.predict(pictures, detections=by_name)]
    results += predictor("photos", detections=detect)
    results += predictor("a.jpg", detections=[detect(Picture(read_picture("a.jpg"), None, "a"))])
    print([photo.path.name for photo in find_photos(["photos"])])
    return results


def faces_and_models(weights: str) -> Vocabulary:
    """Bundles, and a face detector of one's own."""
    names: list[str] = sorted(shipped_models())
    about: About = read_about(shipped_models()[names[0]])
    nobody: Faces = NoFaceDetector()(np.zeros((4, 4, 3), np.uint8))
    predictor = HOIPredictor(load_prediction_config("", weights), NoFaceDetector())
    write_bundle(weights, "m.safetensors", name="m", metrics={"my_val/hoi/mAP_rel": 50.0})
    print(about.metrics, about.provenance["data"], about.sha256, nobody.boxes.shape)
    outputs = predictor.outputs(read_picture("a.jpg"), file_name="a.jpg")
    drawing = TripletVisualizer(read_picture("a.jpg")[:, :, ::-1], predictor.metadata)
    drawing.draw_predictions(outputs["instances"], outputs["interactions"], score_thresh=0.3)
    return predictor.vocabulary


def train(args: argparse.Namespace) -> None:
    """What every process of a training does."""
    register_hoi_instances("my_train", {}, "my/train.json", "my/images")
    cfg = load_config("configs/synthetic/choi_R_18_FPN.yaml", ["SOLVER.MAX_ITER", "100"])
    check_config(cfg)
    trainer = HOITrainer(cfg)
    trainer.resume_or_load(resume=bool(args.resume))
    trainer.train()
    trained = load_trained(cfg)
    HOICheckpointer(trained.model, cfg.OUTPUT_DIR).save("mine", iteration=3)
    results = HOITrainer.test(trained.cfg, trained.model)
    write_results(cfg, results, weights=trained.source, iteration=trained.rest.get("iteration"))


def measure(output: Path) -> float:
    """Evaluators, and metrics of files."""
    evaluator: HOIWEvaluator = HOIWEvaluator("my_val", output_dir=str(output))
    evaluator.reset()
    both = build_evaluator("my_val", str(output))
    findings = Findings()
    metrics = evaluate_hoiw_files("gt.json", "pred.json", findings)
    print(both.evaluate(), findings.messages())
    return float(metrics["mAP_rel"])


def draw(root: Path) -> int:
    """Scenes."""
    manifest = make_dataset(root, seed=1, sizes={"train": 4}, progress=False)
    scene = draw_scene(0)
    return len(scene.boxes) + len(manifest["splits"])


if __name__ == "__main__":
    launch_or_join(train, argparse.Namespace(resume=False, num_gpus=1))
