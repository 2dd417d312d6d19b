"""The synthetic data set on disk; the package's docstring says what lies where."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import multiprocessing
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco_mask
from tqdm import tqdm

from choi_d2.utils import InputError, atomic_path, read_json, write_json

from ..datasets.hoiw_categories import OBJECTS, VERBS
from .activities import VERB_ACTIVITIES
from .scene import Scene, SceneStyle
from .scenes import draw_scene

logger = logging.getLogger(__name__)

SPLITS = ("train", "val", "test")
MANIFEST = "manifest.json"
_JPEG_QUALITY = 95
_FREE_SCENES = 2
"""Of every len(VERB_ACTIVITIES) + this many scenes, this many have no prescribed verb."""


def make_dataset(
    root: str | os.PathLike,
    *,
    seed: int,
    sizes: Mapping[str, int],
    image_size: tuple[int, int] = (320, 240),
    style: SceneStyle | None = None,
    workers: int = 2,
    progress: bool = True,
) -> dict[str, Any]:
    """Write the data set under ``root``, unless it is there already.

    A set is there if its manifest has the same parameters (and the same drawing code) and its files
    have the manifest's checksum. Anything else under the same names is replaced.

    Args:
        root: folder; made if missing.
        seed: same seed, same bytes.
        sizes: number of images by split ("train", "val", "test"; any of them may be missing).
        image_size: width, height.
        style: what makes scenes easy or hard.
        workers: processes that draw.
        progress: show a bar.

    Returns:
        The manifest: ``parameters``, ``splits`` (numbers of images, instances, triplets, faces by
        split), ``checksum``.

    Raises:
        InputError: a parameter is not what it should be, or ``root`` cannot be written to.
    """
    root, style = Path(root), style or SceneStyle()
    parameters = _parameters(seed, sizes, image_size, style)
    known = find_dataset(root, parameters)
    if known is not None:
        logger.info("The synthetic data set in %s is complete.", root)
        return known
    try:
        root.mkdir(parents=True, exist_ok=True)
        (root / MANIFEST).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"cannot be written to ({error.strerror})", path=root) from None
    splits = {}
    with _single_threaded_opencv():
        for split, size in parameters["sizes"].items():
            splits[split] = _write_split(
                root, split, size, seed, image_size, style, workers, progress
            )
    manifest = {"parameters": parameters, "splits": splits, "checksum": _checksum(root, parameters)}
    write_json(root / MANIFEST, manifest, indent=2)
    return manifest


def find_dataset(root: Path, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """The manifest of a complete data set with these parameters, None if there is none."""
    if not (root / MANIFEST).is_file():
        return None
    try:
        manifest = read_json(root / MANIFEST, dict)
        whole = manifest["parameters"] == parameters and manifest["checksum"] == _checksum(
            root, parameters
        )
    except (InputError, KeyError, OSError):
        return None
    return manifest if whole else None


def scene_at(
    seed: int,
    split: str,
    index: int,
    image_size: tuple[int, int] = (320, 240),
    style: SceneStyle | None = None,
) -> Scene:
    """Image ``index`` of a split: a function of these arguments alone.

    Verbs take turns, so that each has its share of a split of any size.
    """
    turn = index % (len(VERB_ACTIVITIES) + _FREE_SCENES)
    verb = list(VERB_ACTIVITIES)[turn] if turn < len(VERB_ACTIVITIES) else None
    return draw_scene(_seed_sequence(seed, split, index, 0), image_size, style, verb)


def file_name_at(split: str, index: int) -> str:
    """The name of an image file."""
    return f"{split}_{index:06d}.jpg"


def _seed_sequence(seed: int, split: str, index: int, purpose: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(SPLITS.index(split), index, purpose))


def _parameters(seed, sizes, image_size, style: SceneStyle) -> dict[str, Any]:
    if not isinstance(seed, int) or seed < 0:
        raise InputError(f"expected an integer from 0, found {seed!r}", field="seed")
    for split, size in sizes.items():
        if split not in SPLITS:
            raise InputError(f"expected one of {SPLITS}, found {split!r}", field="sizes")
        if not isinstance(size, int) or size < 0:
            raise InputError(f"expected a number of images, found {size!r}", field=f"sizes.{split}")
    if len(image_size) != 2 or min(image_size) < 120 or max(image_size) > 4096:
        raise InputError(
            f"expected (width, height), each 120..4096, found {image_size}", field="image_size"
        )
    return {
        "seed": seed,
        "sizes": {split: sizes[split] for split in SPLITS if sizes.get(split)},
        "image_size": list(image_size),
        "style": {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(style).items()},
        "drawing_code": _drawing_code(),
    }


def _drawing_code() -> str:
    """A fingerprint of the sources that the files depend on: other code, other pictures."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.name not in ("__main__.py", "preview.py"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def _single_threaded_opencv() -> Iterator[None]:
    # A forked worker must not inherit OpenCV's thread pool; the work is split by scenes anyway.
    before = cv2.getNumThreads()
    cv2.setNumThreads(0)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _write_split(root, split, size, seed, image_size, style, workers, progress) -> dict[str, Any]:
    folder = root / "images" / split
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    draw = partial(_write_scene, folder, seed, split, image_size, style)
    bar = tqdm(total=size, desc=f"drawing {split}", unit="scene", disable=not progress)
    rows = []
    with bar, contextlib.ExitStack() as stack:
        if workers > 1:
            method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
            pool = stack.enter_context(multiprocessing.get_context(method).Pool(workers))
            results = pool.imap(draw, range(size), chunksize=8)
        else:
            results = map(draw, range(size))
        for row in results:
            rows.append(row)
            bar.update()
    write_json(root / f"{split}.json", [row["hoiw"] for row in rows])
    write_json(root / f"{split}_masks.json", [row["masks"] for row in rows])
    for name in ("faces", "faces_noisy"):
        faces = {row["hoiw"]["file_name"]: row[name] for row in rows}
        content = {"detector": f"synthetic{'' if name == 'faces' else ', noisy'}", "faces": faces}
        write_json(root / f"{split}_{name}.json", content)
    return _count(rows)


def _write_scene(folder: Path, seed, split, image_size, style, index: int) -> dict[str, Any]:
    scene = scene_at(seed, split, index, image_size, style)
    name = file_name_at(split, index)
    with atomic_path(folder / name) as temporary:
        done, code = cv2.imencode(".jpg", scene.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        assert done, name
        temporary.write_bytes(code.tobytes())
    rng = np.random.default_rng(_seed_sequence(seed, split, index, 1))
    faces = [{"bbox": box, "score": 1.0} for box in scene.faces.values()]
    return {
        "hoiw": to_hoiw(scene, name),
        "masks": to_masks(scene, name),
        "faces": faces,
        "faces_noisy": shake_faces(rng, list(scene.faces.values()), image_size),
    }


def to_hoiw(scene: Scene, file_name: str) -> dict[str, Any]:
    """One entry of a ground-truth file in the released HOIW format."""
    return {
        "file_name": file_name,
        "annotations": [
            {"bbox": [int(v) for v in box], "category_id": str(int(k) + 1)}
            for box, k in zip(scene.boxes, scene.classes, strict=True)
        ],
        "hoi_annotation": [
            {"subject_id": human, "object_id": thing, "category_id": VERBS.index(verb) + 1}
            for (human, thing), verbs in sorted(scene.pairs.items())
            for verb in verbs
        ],
    }


def to_masks(scene: Scene, file_name: str) -> dict[str, Any]:
    """The visible pixels of every instance, as COCO run-length codes."""
    height, width = scene.image.shape[:2]
    codes = coco_mask.encode(np.asfortranarray(scene.masks.transpose(1, 2, 0).astype(np.uint8)))
    return {
        "file_name": file_name,
        "height": height,
        "width": width,
        "segmentations": [
            {"size": [height, width], "counts": code["counts"].decode("ascii")} for code in codes
        ],
    }


def shake_faces(
    rng: np.random.Generator, faces: list[list[float]], image_size: tuple[int, int]
) -> list[dict[str, Any]]:
    """Faces as a real detector would have them: a quarter missed, shaken boxes, some false ones."""
    width, height = image_size
    found = []
    for x1, y1, x2, y2 in faces:
        missed, shift, score = rng.random() < 0.25, rng.normal(0, 0.08, 4), rng.uniform(0.6, 0.99)
        if not missed:
            w, h = x2 - x1, y2 - y1
            found.append(([x1, y1, x2, y2] + shift * (w, h, w, h), score))
    for _ in range(int(rng.choice(3, p=(0.8, 0.15, 0.05)))):
        side = rng.uniform(0.06, 0.16) * height
        x, y = rng.uniform(0, width - side), rng.uniform(0, height - side)
        found.append((np.array([x, y, x + side, y + side]), rng.uniform(0.5, 0.75)))
    result = []
    for box, score in found:
        box = np.clip(box, 0, (width, height, width, height))
        result.append({"bbox": [round(float(v), 1) for v in box], "score": round(float(score), 3)})
    return result


def _count(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Numbers of a split, for the manifest."""
    entries = [row["hoiw"] for row in rows]
    classes = Counter(int(a["category_id"]) - 1 for e in entries for a in e["annotations"])
    verbs = Counter(h["category_id"] - 1 for e in entries for h in e["hoi_annotation"])
    return {
        "images": len(rows),
        "instances": {name: classes[k] for k, name in enumerate(OBJECTS)},
        "triplets": {name: verbs[k] for k, name in enumerate(VERBS)},
        "faces": sum(len(row["faces"]) for row in rows),
    }


def _checksum(root: Path, parameters: Mapping[str, Any]) -> str:
    """Of all files but the manifest, in a fixed order."""
    digest = hashlib.sha256()
    for split, size in parameters["sizes"].items():
        for suffix in ("", "_masks", "_faces", "_faces_noisy"):
            digest.update((root / f"{split}{suffix}.json").read_bytes())
        for index in range(size):
            digest.update((root / "images" / split / file_name_at(split, index)).read_bytes())
    return digest.hexdigest()
