"""Which file a Label Studio task is about."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from choi_d2.data.validation import Problems

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
# Label Studio puts eight digits before the name of an uploaded file.
_UPLOADED = re.compile(r"^[0-9a-f]{8}-(.+)$")


def image_name(
    task: Mapping, where: str, images: str | os.PathLike | None, problems: Problems
) -> str:
    """The file name of a task's image, relative to the folder of the images.

    The task has an address (a URL, a path on the server, in a bucket or of local files). With a
    folder, the longest end of it that is a file there is taken, with or without the digits of an
    upload; without one, its last part.

    Raises:
        InputError: the task has no image.
    """
    data = problems.value(task, "data", dict, where=where)
    texts = {key: text for key, text in data.items() if isinstance(text, str) and _path(text)}
    found = [texts[key] for key in ("image", "img", "url", "image_url") if key in texts]
    found += [text for text in texts.values() if _path(text).lower().endswith(_SUFFIXES)]
    if not found:
        message = "expected the address of an image in the task's data"
        problems.add("missing key", message, field=f"{where}.data.image")
    names = list(_candidates(_path(found[0]), uploaded="file_upload" in task))
    if images is not None:
        there = [name for name in names if (Path(images) / name).is_file()]
        return there[0] if there else names[-1]
    return names[-1]


def _path(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:  # brackets that are no address of version 6
        return address
    local = parse_qs(parts.query).get("d")  # /data/local-files/?d=folder/a.jpg
    return unquote(local[0] if local else parts.path or address).replace("\\", "/")


def _candidates(path: str, *, uploaded: bool) -> Iterator[str]:
    """Names that the file may have in the folder; the last one is what it most likely is."""
    parts = [part for part in PurePosixPath(path).parts if part.strip("/.")] or [path]
    for start in range(len(parts)):
        yield "/".join(parts[start:])
    original = _UPLOADED.match(parts[-1])
    if original and (uploaded or "upload" in parts):
        yield original[1]
