"""Results that were written as JSON, again as pictures or in words."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from choi_d2.inference.results import HOIResult
from choi_d2.pictures import read_picture, size_error
from choi_d2.utils import InputError, read_text
from choi_d2.utils.output_names import OutputNames, path_below


def read_results(path: str | os.PathLike) -> Iterator[HOIResult]:
    """The results in a file of ``choi predict``.

    Args:
        path: a JSON of one picture, or JSON lines, ``*.jsonl``.

    Raises:
        InputError: no such file, or it is broken; the message names the line.
    """
    text = read_text(path)
    lines = text.splitlines() if Path(path).suffix == ".jsonl" else [text]
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
            if not isinstance(content, dict):
                raise InputError(f"expected an object, found {type(content).__name__}")
            yield HOIResult.from_dict(content)
        except json.JSONDecodeError as error:
            raise InputError(
                f"expected JSON ({error})", path=path, field=f"line {number}"
            ) from None
        except (InputError, ValueError) as error:
            field = f"line {number}" + (f", {error.field}" if getattr(error, "field", None) else "")
            problem = getattr(error, "problem", str(error))
            raise InputError(problem, path=path, field=field) from None


def at_least(result: HOIResult, score: float) -> HOIResult:
    """The result with the triplets of at least this score."""
    keep = result.triplet_scores >= score
    return replace(
        result,
        pairs=result.pairs[keep],
        verbs=result.verbs[keep],
        triplet_scores=result.triplet_scores[keep],
    )


def draw_result(
    result: HOIResult,
    output: str | os.PathLike,
    names: OutputNames,
    *,
    images: str | os.PathLike | None = None,
    masks: bool = False,
    faces: bool = False,
) -> Path:
    """Draw a result that was read from a file on its picture.

    Args:
        result: its ``file_name`` is the picture's.
        output: the folder.
        names: gives out the drawings' names.
        images: the folder of the pictures, where they are elsewhere by now.
        masks, faces: as :meth:`HOIResult.draw`.

    Returns:
        the drawing's path.

    Raises:
        InputError: the picture is not there, or has another size.
    """
    if result.file_name is None or result.frame is not None:
        raise InputError("is of no file, or of a video's frame: there is no picture to draw on")
    file = Path(result.file_name)
    if images is not None:
        file = Path(images, file.name)
    image = read_picture(file)
    if image.shape[:2] != tuple(result.image_size):
        raise size_error(image.shape[:2], result.image_size, path=file)
    target = path_below(output, names.take(file.stem) + ".jpg")
    replace(result, image=image[:, :, ::-1]).save(target, masks=masks, faces=faces)
    return target
