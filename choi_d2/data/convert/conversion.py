"""One file of any form -> a JSON of a data set of your own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from choi_d2.data.validation import Problems
from choi_d2.utils import InputError, write_json

from .content import ContentBuilder
from .forms import Form, find_form
from .source import Options, read_source


@dataclass(frozen=True)
class Conversion:
    """What was converted.

    Attributes:
        form: what the file was read as.
        content: what was written.
        problems: what was left out or changed, and why.
    """

    form: Form
    content: dict[str, list]
    problems: Problems

    def counts(self) -> dict[str, Any]:
        """How many images, instances, triplets, classes and verbs there are."""
        return {
            "images": len(self.content["images"]),
            "instances": len(self.content["annotations"]),
            "triplets": len(self.content["interactions"]),
            "classes": len(self.content["categories"]),
            "verbs": len(self.content["verbs"]),
        }


def convert(
    source: str | os.PathLike,
    output: str | os.PathLike,
    *,
    form: str | None = None,
    options: Options | None = None,
) -> Conversion:
    """Convert a file of annotations.

    Args:
        source: the file; a CVAT export may stay zipped.
        output: the JSON to write, whole or not at all.
        form: the name of its form (:data:`.forms.FORMS`); by default told by what is in it.
        options: what the file does not say itself.

    Raises:
        InputError: the file is of no known form or broken, something that its form needs is not
            given, or nothing is left of it.
    """
    options = Options() if options is None else options
    if os.path.realpath(source) == os.path.realpath(output):
        raise InputError("is the file that is to be converted", path=output, field="--output")
    if options.images is not None and not Path(options.images).is_dir():
        raise InputError("no such folder", path=options.images, field="--images")
    read = read_source(source)
    found = find_form(read, form)
    problems = Problems(source)
    builder = ContentBuilder(problems, humans=options.humans, like=options.like)
    found.read(read, options, builder)
    content = builder.content()
    write_json(output, content)
    return Conversion(found, content, problems)
