"""Where pictures come from: files, folders, patterns, arrays, videos, cameras.

Every source is a generator of :class:`Picture`. One that holds something open (a video, a camera)
gives it back when it is exhausted or closed, also by an error in the loop that takes from it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import cv2
import numpy as np

from choi_d2.pictures import as_bgr, read_picture
from choi_d2.utils import InputError

from .photos import find_photos

if TYPE_CHECKING:
    from PIL.Image import Image

VIDEO_EXTENSIONS = frozenset(
    {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"}
)

Source: TypeAlias = "str | os.PathLike[str] | int | np.ndarray | Image | Iterable[Source]"
"""A path, folder or pattern; a video's path; a camera's number; an array; a PIL image; several."""


@dataclass(frozen=True)
class Picture:
    """One picture of a source.

    Attributes:
        image: uint8 (H, W, 3), BGR, upright.
        file_name: the file that it is from; None for an array.
        name: a relative path without suffix, for output; "array_0" and the like for arrays.
        frame: number of a video's frame, from 0; None for a photo.
        time: of the frame, in seconds from the beginning; for a camera, from its first frame.
    """

    image: np.ndarray
    file_name: str | None
    name: str
    frame: int | None = None
    time: float | None = None


def open_source(
    source: Source,
    *,
    vid_stride: int = 1,
    on_error: Callable[[InputError], None] | None = None,
    outside: Path | None = None,
) -> Iterator[Picture]:
    """The pictures of a source, one after the other; close it if you do not take all of them.

    Args:
        source: a photo's path, a folder, a pattern such as ``"photos/*.jpg"``; a video's path; a
            camera's number, from 0; an array (H, W, 3) in BGR, as OpenCV reads, (H, W) or
            (N, H, W, 3); a PIL image; or several of all these, as a list or another iterable.
        vid_stride: of a video or camera, every so many frames are taken.
        on_error: called with what is wrong with a photo of a folder or a list, which is then left
            out; by default it is raised.
        outside: a folder that is left out where it is inside of a folder that is searched.

    Raises:
        InputError: nothing is there, or it is no picture.
    """
    if vid_stride < 1:
        raise InputError(f"expected a stride of at least 1, found {vid_stride}", field="vid_stride")
    if isinstance(source, bool) or source is None:
        raise InputError(f"expected pictures, found {source!r}", field="source")
    if isinstance(source, int):
        return _camera(source, vid_stride)
    if isinstance(source, (str, os.PathLike)):
        path = Path(source).expanduser()
        if path.is_file() and is_video(path):
            return _video(path, vid_stride)
        return _photos([source], vid_stride, on_error, outside)
    if isinstance(source, np.ndarray) and source.ndim == 4:
        source = list(source)
    if isinstance(source, np.ndarray) or _is_pil(source):
        return _arrays([source])
    if isinstance(source, Iterable):
        return _several(source, vid_stride, on_error, outside)
    raise InputError(
        f"expected a path, an array, a PIL image or a camera's number, found "
        f"{type(source).__name__}",
        field="source",
    )


def is_video(path: str | os.PathLike) -> bool:
    """Has the file a video's extension?"""
    return Path(path).suffix.lower() in VIDEO_EXTENSIONS


def _several(
    sources: Iterable,
    vid_stride: int,
    on_error: Callable[[InputError], None] | None,
    outside: Path | None,
) -> Iterator[Picture]:
    arrays = 0
    for source in sources:
        is_array = isinstance(source, np.ndarray) or _is_pil(source)
        try:
            inner = open_source(source, vid_stride=vid_stride, on_error=on_error, outside=outside)
            for picture in inner:
                if is_array:
                    picture = Picture(picture.image, None, f"array_{arrays}")
                    arrays += 1
                yield picture
        except InputError as error:
            if on_error is None:
                raise
            on_error(error)


def _photos(
    inputs: list,
    vid_stride: int,
    on_error: Callable[[InputError], None] | None,
    outside: Path | None,
) -> Iterator[Picture]:
    for photo in find_photos(inputs, outside=outside):
        if is_video(photo.path):  # a pattern may match videos
            yield from _video(photo.path, vid_stride)
            continue
        try:
            image = read_picture(photo.path)
        except InputError as error:
            if on_error is None:
                raise
            on_error(error)
            continue
        yield Picture(image, str(photo.path), photo.name.with_suffix("").as_posix())


def _arrays(images: list) -> Iterator[Picture]:
    for number, image in enumerate(images):
        if _is_pil(image):
            image = np.asarray(image.convert("RGB"))[:, :, ::-1]
        yield Picture(np.ascontiguousarray(as_bgr(image, None)), None, f"array_{number}")


def _is_pil(source: Any) -> bool:
    # Without importing Pillow for those who have none of its images.
    return type(source).__module__.startswith("PIL.") and hasattr(source, "convert")


# ---------------------------------------------------------------------------- videos, cameras


@contextmanager
def _capture(address: str | int) -> Iterator[cv2.VideoCapture]:
    capture = cv2.VideoCapture(address)
    try:
        yield capture
    finally:
        capture.release()


def _video(path: Path, stride: int) -> Iterator[Picture]:
    with _capture(str(path)) as capture:
        if not capture.isOpened():
            raise InputError("expected a video, but it cannot be opened", path=path)
        fps = capture.get(cv2.CAP_PROP_FPS)
        frame = -1
        for count, image in enumerate(_frames(capture, stride)):
            frame = count * stride
            time = frame / fps if fps > 0 else None
            yield Picture(image, str(path), f"{path.stem}_{frame:06d}", frame, time)
        if frame < 0:
            raise InputError("is a video without a frame that can be read", path=path)


def _camera(number: int, stride: int) -> Iterator[Picture]:
    with _capture(number) as capture:
        if not capture.isOpened():
            raise InputError(
                f"camera {number} cannot be opened",
                field="source",
                hint="Is it plugged in, and may this program use it?",
            )
        start = None
        for count, image in enumerate(_frames(capture, stride)):
            now = cv2.getTickCount() / cv2.getTickFrequency()
            start = now if start is None else start
            frame = count * stride
            yield Picture(image, None, f"camera_{number}_{frame:06d}", frame, now - start)


def _frames(capture: cv2.VideoCapture, stride: int) -> Iterator[np.ndarray]:
    """Every ``stride``-th frame; those between are not decoded."""
    while True:
        found, image = capture.read()
        if not found:
            return
        yield as_bgr(image, None)
        for _ in range(stride - 1):
            if not capture.grab():
                return
