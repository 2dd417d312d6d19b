"""Are the data of a table there?"""

from __future__ import annotations

from pathlib import Path

from detectron2.data import MetadataCatalog

from choi_d2.synthetic.benchmark import FOLDER, make_benchmark
from choi_d2.utils import InputError

from .plan import Plan


def prepare(plan: Plan) -> None:
    """Make the synthetic benchmark if it is missing; look whether the files of others are there.

    Raises:
        InputError: a file is missing, or the benchmark is not what it should be.
    """
    cfgs = [row.evaluations[0].cfg for row in plan.rows if row.row.name in plan.chosen]
    names = sorted({name for cfg in cfgs for name in (*cfg.DATASETS.TRAIN, *cfg.DATASETS.TEST)})
    if any(name.startswith(f"{FOLDER}_") for name in names):
        make_benchmark()
    for name in names:
        path = MetadataCatalog.get(name).get("json_file")
        if path and not Path(path).is_file():
            raise InputError(
                f"data set {name!r} is not there: no such file",
                path=path,
                hint="See datasets/README.md; $DETECTRON2_DATASETS is the folder of all.",
            )
