"""The loader: synthetic images of a data set's form, read and mapped in this process."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from choi_d2.data import HOIDatasetMapper
from choi_d2.data.datasets.pic import load_pic_split
from choi_d2.data.datasets.synthetic import load_synthetic_hoiw
from choi_d2.data.datasets.vcoco import load_vcoco
from choi_d2.engine import load_config
from choi_d2.synthetic.writer import make_dataset

from .setting import CONFIG_FILE, Setting

CONFIGS = {"hoiw": "HOIW", "pic": "PIC", "vcoco": "VCOCO"}


@dataclass(frozen=True)
class LoaderCase:
    """Training inputs, as one worker of the loader makes them.

    Attributes:
        form: a key of ``CONFIGS``, whose R-50 model is fed.
        records: different images; each call maps the next of them.
    """

    form: str
    records: int = 4
    images: int = 1
    pairs: int = 0

    def prepare(self, setting: Setting) -> Callable[[], object]:
        """Draw the images, load their records; to be called is the mapper."""
        config_file = CONFIG_FILE.parents[1] / CONFIGS[self.form] / CONFIG_FILE.name
        opts = [
            "MODEL.DEVICE",
            "cpu",
            "INPUT.FACES.SOURCE",
            "none",
            "INPUT.MIN_SIZE_TRAIN",
            (setting.size[0],),
        ]
        cfg = load_config(config_file, opts, data_sets=False)
        folder = tempfile.TemporaryDirectory(prefix="choi_benchmark_")
        root = Path(folder.name)
        make_dataset(
            root,
            seed=setting.seed,
            sizes={"train": self.records},
            image_size=(640, 480),
            workers=1,
            progress=False,
            format=self.form,
        )
        records = itertools.cycle(_load(self.form, root))
        mapper = HOIDatasetMapper(cfg, is_train=True)

        def load() -> dict:
            return mapper(next(records))

        load.folder = folder  # it is deleted with the function
        return load


def _load(form: str, root: Path) -> list[dict]:
    if form == "hoiw":
        files = root / "train.json", root / "images" / "train", root / "train_faces.json"
        return load_synthetic_hoiw(*files)
    if form == "pic":
        return load_pic_split(root, "train", "v2")
    annotations = root / "annotations"
    return load_vcoco(
        annotations / "vcoco_train.json",
        annotations / "instances_vcoco_all_2014.json",
        root / "images" / "train",
        root / "splits" / "vcoco_train.ids",
    )
