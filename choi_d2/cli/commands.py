"""The sub-commands of ``choi``. A new one: a line here, and its module beside this file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType


@dataclass(frozen=True)
class Command:
    """A sub-command.

    Attributes:
        name: as it is typed.
        help: one line, for the list of all.
        module: in this package; it is imported when the sub-command is used.
    """

    name: str
    help: str
    module: str

    def load(self) -> ModuleType:
        """Its module, with ``add_arguments(parser)`` and ``run(args)``."""
        return import_module(f"choi_d2.cli.{self.module}")


COMMANDS = (
    Command("predict", "find triplets in photos, folders, videos or a camera", "predict"),
    Command("train", "train a model, on a config's data sets or on a JSON of your own", "train"),
    Command("eval", "official metrics of files, or of a model", "evaluate"),
    Command("init-data", "make a JSON of your own from what other tools write", "init_data"),
    Command("validate", "list everything that is wrong with a data set", "validate"),
    Command("faces", "find the faces of a data set's images, or of a folder's", "faces"),
    Command("show", "draw a data set, training samples, or results", "show"),
    Command("synthetic", "draw the synthetic data sets", "synthetic"),
    Command("analyze", "count a model's parameters and operations, by part", "analyze"),
    Command("reproduce", "run a table of the paper, or go on with it", "reproduce"),
    Command("benchmark", "measure speed, memory, and the evaluators' time", "benchmark"),
    Command("average", "average the weights of checkpoints", "average"),
    Command("export-bundle", "make one file of a training, to pass on", "export_bundle"),
    Command("models", "list the models at hand, fetch a backbone or a face detector", "models"),
)
