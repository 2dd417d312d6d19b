"""The file that is to be converted, read once, and what was asked for beside it."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from choi_d2.formats.hicodet.mat import is_mat_file
from choi_d2.utils import InputError, read_json
from choi_d2.utils.files import read_text


@dataclass(frozen=True)
class Options:
    """What a file does not say itself.

    Attributes:
        images: the folder of the images; needed where a form has no sizes.
        objects, verbs: names of a form that has numbers alone, see :mod:`.name_lists`.
        humans: categories that are people, beside "person" and "human"; they become one.
        like: a JSON that was converted before: its classes and verbs keep their ids here.
        coco: COCO instances, for V-COCO's actions.
        ids: the image ids of a split, for V-COCO; one a line.
        split: "train" or "test", for ``anno_bbox.mat``, which holds both.
        verb_attributes: attributes that name verbs, see :mod:`.attributes`; by default the usual
            ones.
    """

    images: str | os.PathLike | None = None
    objects: str | os.PathLike | None = None
    verbs: str | os.PathLike | None = None
    humans: Sequence[str] = ()
    like: str | os.PathLike | None = None
    coco: str | os.PathLike | None = None
    ids: str | os.PathLike | None = None
    split: str | None = None
    verb_attributes: Sequence[str] = ()

    def need(self, name: str, why: str) -> Any:
        """An option that a form cannot do without.

        Raises:
            InputError: it is not given.
        """
        value = getattr(self, name)
        if value is None:
            raise InputError(f"is needed: {why}", field=f"--{name.replace('_', '-')}")
        return value


@dataclass(frozen=True)
class Source:
    """A file with its content.

    Attributes:
        path: the file.
        content: parsed JSON; the root of an XML; None for a Matlab file.
    """

    path: Path
    content: Any

    @property
    def first(self) -> Mapping:
        """The first object of a list; {} where there is none."""
        is_list = isinstance(self.content, list) and self.content
        return self.content[0] if is_list and isinstance(self.content[0], dict) else {}

    @property
    def keys(self) -> set[str]:
        """The keys of a JSON object."""
        return set(self.content) if isinstance(self.content, dict) else set()

    @property
    def is_xml(self) -> bool:
        """Is it an XML?"""
        return isinstance(self.content, ElementTree.Element)


def read_source(path: str | os.PathLike) -> Source:
    """Read a JSON, an XML, or the one of either in CVAT's zip; a Matlab file is left to its reader.

    Raises:
        InputError: no such file, or none of these.
    """
    path = Path(path)
    if path.is_dir():
        inside = [name for name in _IN_ARCHIVES if (path / name).is_file()]
        hint = f"Did you mean {path / inside[0]}?" if inside else "Name the file itself."
        raise InputError("expected a file of annotations, found a folder", path=path, hint=hint)
    if is_mat_file(path):
        if not path.is_file():
            raise InputError("no such file", path=path, hint="Check the path.")
        return Source(path, None)
    if zipfile.is_zipfile(path):
        return Source(path, _from_archive(path))
    text = None if path.suffix.lower() == ".json" else read_text(path, "annotations in JSON or XML")
    if text is not None and text.lstrip().startswith("<"):
        return Source(path, _parse_xml(text, path))
    return Source(path, read_json(path))


_IN_ARCHIVES = ("annotations.xml", "annotations/default.json")


def _from_archive(path: Path) -> ElementTree.Element:
    try:
        with zipfile.ZipFile(path) as archive:
            if "annotations.xml" not in archive.namelist():
                raise InputError(
                    "expected annotations.xml in the archive, found none",
                    path=path,
                    hint="Unpack it, and name the file of annotations in it.",
                )
            data = archive.read("annotations.xml")
        return _parse_xml(data.decode("utf-8-sig"), path)
    except UnicodeDecodeError:
        raise InputError("expected annotations.xml in UTF-8", path=path) from None
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError) as error:
        raise InputError(f"the archive cannot be read ({error})", path=path) from None


def _parse_xml(text: str, path: Path) -> ElementTree.Element:
    # Definitions of a document's own can stand for endless text; no export has any.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InputError("expected plain XML, found definitions (<!DOCTYPE)", path=path)
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        hint = "Was it copied whole?"
        problem = f"expected XML, found something else ({error})"
        raise InputError(problem, path=path, hint=hint) from None
