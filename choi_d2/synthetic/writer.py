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
from tqdm import tqdm

from choi_d2.utils import InputError, atomic_path, read_json, write_json

from .activities import VERB_ACTIVITIES
from .formats import SPLITS, Format, check_image_size, stem_at
from .hicodet_writer import HICODETFormat
from .hoi_writer import HOIFormat
from .hoiw_writer import HOIWFormat
from .pic_writer import PICFormat
from .scene import Scene, SceneStyle
from .scenes import draw_scene
from .vcoco_writer import VCOCOFormat

logger = logging.getLogger(__name__)

FORMATS: dict[str, Format] = {
    layout.name: layout
    for layout in (HOIWFormat(), PICFormat(), VCOCOFormat(), HICODETFormat(), HOIFormat())
}
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
    format: str = "hoiw",
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
        format: a key of ``FORMATS``; the scenes are the same in all of them.

    Returns:
        The manifest: ``parameters``, ``splits`` (numbers of images, instances, triplets, faces by
        split), ``checksum``.

    Raises:
        InputError: a parameter is not what it should be, or ``root`` cannot be written to.
    """
    root, style = Path(root), style or SceneStyle()
    if format not in FORMATS:
        raise InputError(f"expected one of {tuple(FORMATS)}, found {format!r}", field="format")
    layout = FORMATS[format]
    parameters = _parameters(layout, seed, sizes, image_size, style)
    known = find_dataset(root, parameters)
    if known is not None:
        logger.info("The synthetic data set in %s is complete.", root)
        return known
    try:
        root.mkdir(parents=True, exist_ok=True)
        (root / MANIFEST).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"cannot be written to ({error.strerror})", path=root) from None
    with _single_threaded_opencv():
        rows = {
            split: _write_split(
                root, layout, split, size, seed, image_size, style, workers, progress
            )
            for split, size in parameters["sizes"].items()
        }
    _write_annotations(root, layout, rows)
    manifest = {
        "parameters": parameters,
        "splits": {split: _count(of_split) for split, of_split in rows.items()},
        "checksum": _checksum(root, layout, parameters),
    }
    write_json(root / MANIFEST, manifest, indent=2)
    return manifest


def find_dataset(root: Path, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """The manifest of a complete data set with these parameters, None if there is none."""
    if not (root / MANIFEST).is_file():
        return None
    try:
        manifest = read_json(root / MANIFEST, dict)
        layout = FORMATS[parameters["format"]]
        whole = manifest["parameters"] == parameters and manifest["checksum"] == _checksum(
            root, layout, parameters
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


def _seed_sequence(seed: int, split: str, index: int, purpose: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(SPLITS.index(split), index, purpose))


def _parameters(layout: Format, seed, sizes, image_size, style: SceneStyle) -> dict[str, Any]:
    if not isinstance(seed, int) or seed < 0:
        raise InputError(f"expected an integer from 0, found {seed!r}", field="seed")
    for split, size in sizes.items():
        if split not in SPLITS:
            raise InputError(f"expected one of {SPLITS}, found {split!r}", field="sizes")
        if not isinstance(size, int) or size < 0:
            raise InputError(f"expected a number of images, found {size!r}", field=f"sizes.{split}")
    check_image_size(image_size)
    return {
        "format": layout.name,
        "seed": seed,
        "sizes": {split: sizes[split] for split in SPLITS if sizes.get(split)},
        "image_size": list(image_size),
        "style": {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(style).items()},
        "drawing_code": _drawing_code(layout),
    }


def _drawing_code(layout: Format) -> str:
    """A fingerprint of the sources that the files depend on: other code, other pictures."""
    others = {f"{name}_writer.py" for name in FORMATS if name != layout.name}
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.name not in {"__main__.py", "benchmark.py", "preview.py"} | others:
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


def _write_split(root, layout: Format, split, size, seed, image_size, style, workers, progress):
    """Draw a split, and write all that each scene has for itself; what is left for all of them."""
    for path in layout.image_files(split, ""):
        folder = (root / path).parent
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    draw = partial(_write_scene, root, layout, seed, split, image_size, style)
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
    return rows


def _write_scene(
    root: Path, layout: Format, seed, split, image_size, style, index: int
) -> dict[str, Any]:
    scene = scene_at(seed, split, index, image_size, style)
    photo, *maps = layout.image_files(split, stem_at(split, index))
    _write_image(root / photo, scene.image, cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY)
    for path, label_map in zip(maps, layout.label_maps(scene), strict=True):
        _write_image(root / path, label_map)
    rng = np.random.default_rng(_seed_sequence(seed, split, index, 1))
    return {
        "file_name": Path(photo).name,
        "annotation": layout.annotate(scene, split, index),
        "faces": [{"bbox": box, "score": 1.0} for box in scene.faces.values()],
        "faces_noisy": shake_faces(rng, list(scene.faces.values()), image_size),
    }


def _write_image(path: Path, image: np.ndarray, *options: int) -> None:
    with atomic_path(path) as temporary:
        done, code = cv2.imencode(path.suffix, image, options)
        assert done, path
        temporary.write_bytes(code.tobytes())


def _write_annotations(root: Path, layout: Format, rows: Mapping[str, list[dict]]) -> None:
    annotations = {split: [row["annotation"] for row in rows[split]] for split in rows}
    for name, content in layout.annotation_files(annotations).items():
        if isinstance(content, str):
            with atomic_path(root / name) as temporary:
                temporary.write_text(content, encoding="utf-8")
        else:
            write_json(root / name, content)
    for split in rows:
        for kind in ("faces", "faces_noisy"):
            faces = {row["file_name"]: row[kind] for row in rows[split]}
            detector = f"synthetic{'' if kind == 'faces' else ', noisy'}"
            write_json(root / f"{split}_{kind}.json", {"detector": detector, "faces": faces})


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
    numbers: dict[str, Any] = {"images": len(rows)}
    for what in ("instances", "triplets"):
        names = Counter(name for row in rows for name in row["annotation"][what])
        numbers[what] = dict(sorted(names.items()))
    return numbers | {"faces": sum(len(row["faces"]) for row in rows)}


def _checksum(root: Path, layout: Format, parameters: Mapping[str, Any]) -> str:
    """Of all files but the manifest, in a fixed order."""
    digest = hashlib.sha256()
    sizes = parameters["sizes"]
    paths = list(layout.annotation_files({split: [] for split in sizes}))
    for split, size in sizes.items():
        paths += [f"{split}_faces.json", f"{split}_faces_noisy.json"]
        for index in range(size):
            paths += layout.image_files(split, stem_at(split, index))
    for path in paths:
        digest.update((root / path).read_bytes())
    return digest.hexdigest()
