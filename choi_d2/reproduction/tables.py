"""Tables 3 to 8 of the paper, and two of our own: rows, the paper's numbers, what is measured."""

from __future__ import annotations

from dataclasses import dataclass, field

from choi_d2.utils import InputError

SYNTHETIC = {"synthetic": "", "synthetic_sparse": "_sparse", "synthetic_bystanders": "_bystanders"}
"""The synthetic benchmark's scenes, and what the file names of their reports end in: the main part,
fully annotated and as HOIW is, and the part with bystanders, annotated as HOIW is. They share the
first phase.
"""

PHOTOS = "photos"
"""The photo model's, see docs/photo_model.md."""

DATASETS = (*SYNTHETIC, PHOTOS, "hoiw", "pic", "vcoco")


@dataclass(frozen=True)
class Metric:
    """A column.

    Attributes:
        title: above the column.
        names: what evaluators may call it, the first that is there counts.
        mean_of: names of which it is the mean instead.
        optional: the column is left out where no row has it.
    """

    title: str
    names: tuple[str, ...] = ()
    mean_of: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        name: its config is ``{name}.yaml``, and ``--only`` knows it.
        cells: what the paper's first columns say.
        paper: the paper's numbers by data set, in the order of ``METRICS``.
    """

    name: str
    cells: tuple[str, ...]
    paper: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table of the paper, or of our own.

    Attributes:
        number: in the paper; a word for a table of our own.
        title: the paper's, if it has one.
        heads: above ``Row.cells``.
        rows: from top to bottom.
        datasets: that it can be run on; the first are the paper's.
        paper_speed: row -> milliseconds an image, where the paper tells (on a TITAN Xp).
        more_metrics: further columns, on any data set.
    """

    number: int | str
    title: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    datasets: tuple[str, ...]
    paper_speed: dict[str, float] = field(default_factory=dict)
    more_metrics: tuple[Metric, ...] = ()

    @property
    def name(self) -> str:
        """For people."""
        is_paper = isinstance(self.number, int)
        return f"Table {self.number}" if is_paper else f"Table '{self.number}'"

    @property
    def folder(self) -> str:
        """Of its configs, below ``configs/ablations``."""
        return f"table{self.number}" if isinstance(self.number, int) else self.number

    def stem(self, dataset: str) -> str:
        """Of its reports' file names."""
        return self.folder + SYNTHETIC.get(dataset, "")

    def check_dataset(self, dataset: str) -> None:
        """Can the table be run on it?

        Raises:
            InputError: names the data sets that it can be run on.
        """
        if dataset not in self.datasets:
            raise InputError(
                f"{self.name} has no {dataset!r}, expected {' or '.join(self.datasets)}",
                field="--dataset",
            )

    def metrics(self, dataset: str) -> tuple[Metric, ...]:
        """The columns on a data set."""
        mean = (MEAN_RECALL,) if self.number == 8 else ()
        if self.number == 3:
            return METRICS["vcoco"]
        return METRICS[dataset] + mean + self.more_metrics

    def paper_columns(self, dataset: str) -> list[tuple[str, dict[str, float]]]:
        """Columns of the paper's numbers: title -> number by row name."""
        columns = []
        for source in PAPER_SOURCES[dataset] if self.number != 3 else ("vcoco",):
            for index, metric in enumerate(self.metrics(source)):
                numbers = {
                    row.name: row.paper[source][index]
                    for row in self.rows
                    if index < len(row.paper.get(source, ()))
                }
                if numbers:
                    columns.append((f"{PAPER_NAMES[source]} {metric.title}", numbers))
        return columns

    def select(self, names: str | None) -> list[Row]:
        """The rows that ``--only`` names.

        Raises:
            InputError: there is no such row.
        """
        if names is None:
            return list(self.rows)
        chosen = [name.strip() for name in names.split(",") if name.strip()]
        known = [row.name for row in self.rows]
        unknown = [name for name in chosen if name not in known]
        if unknown or not chosen:
            raise InputError(
                f"expected some of {', '.join(known)}; got {', '.join(unknown) or 'none'}",
                field="--only",
            )
        return [row for row in self.rows if row.name in chosen]


RECALLS = ("R@20", "R@50", "R@100")
MAP_REL = Metric("mAP_rel", ("mAP_rel",))
RECALL_COLUMNS = tuple(Metric(name, (name,)) for name in RECALLS)
MEAN_RECALL = Metric("Mean", mean_of=RECALLS)
METRICS = {
    "hoiw": (MAP_REL,),
    "pic": RECALL_COLUMNS,
    # The paper does not say which of V-COCO's scenarios it has; S1 is what its references report.
    "vcoco": (
        Metric("mAP_role", ("AP_role_S1",)),
        Metric("mAP_role, scenario 2", ("AP_role_S2",)),
    ),
    PHOTOS: (Metric("mAP_rel, 5 examples or more", ("mAP_rel_5",)), MAP_REL, RECALL_COLUMNS[-1]),
    **dict.fromkeys(
        SYNTHETIC,
        (MAP_REL, *RECALL_COLUMNS, Metric("R@100, IoU .75", ("R@100-IoU75",), optional=True)),
    ),
}
RANKING = (
    Metric("annotated before unmatched", ("accuracy_unmatched",), optional=True),
    Metric("annotated before matched", ("accuracy_matched",), optional=True),
)
"""Pairs in the right order, by kind of the other one; see `choi_d2.evaluation.ranking`."""

PAPER_SOURCES = {
    "hoiw": ("hoiw",),
    "pic": ("pic",),
    "vcoco": ("vcoco",),
    **dict.fromkeys((*SYNTHETIC, PHOTOS), ("hoiw", "pic")),
}
PAPER_NAMES = {"hoiw": "HOIW", "pic": "PIC", "vcoco": "V-COCO"}


def _both(pic: tuple[float, ...], hoiw: float) -> dict[str, tuple[float, ...]]:
    return {"pic": pic, "hoiw": (hoiw,)}


_BOTH = ("hoiw", "pic", "synthetic")
_T_1, _T_3 = _both((19.0, 28.9, 35.9), 38.6), _both((27.8, 38.3, 45.3), 43.7)
YES, NO = "✓", "✗"

TABLES = {
    3: Table(
        3,
        "mAP_role on V-COCO test",
        ("Method", "Backbone"),
        (
            Row("bbox", ("Ours, bbox", "ResNet-50"), {"vcoco": (48.3,)}),
            Row("mask", ("Ours, mask", "ResNet-50"), {"vcoco": (48.9,)}),
        ),
        ("vcoco",),
    ),
    4: Table(
        4,
        "Ablation study of key components",
        ("IHSM", "EFRA", "RRM", "CAS"),
        (
            Row("1_baseline", (NO, NO, NO, NO), _both((17.0, 28.0, 33.9), 33.9)),
            Row("2_ihsm", (YES, NO, NO, NO), _both((17.9, 28.6, 34.3), 34.4)),
            Row("3_efra", (NO, YES, NO, NO), _both((17.6, 27.5, 34.6), 36.7)),
            Row("4_ihsm_efra", (YES, YES, NO, NO), _both((18.5, 28.3, 35.4), 37.5)),
            Row("5_ihsm_efra_rrm", (YES, YES, YES, NO), _T_1),
            Row("6_ihsm_efra_rrm_cascade", (YES, YES, YES, YES), _T_3),
        ),
        (*_BOTH, "synthetic_sparse", PHOTOS),
    ),
    5: Table(
        5,
        "Impact of the number of stages T",
        ("T",),
        (
            Row("T_1", ("1",), _T_1),
            Row("T_2", ("2",), _both((25.5, 36.4, 43.8), 42.1)),
            Row("T_3", ("3",), _T_3),
            Row("T_4", ("4",), _both((27.8, 38.3, 45.2), 43.7)),
            Row("T_5", ("5",), _both((27.6, 38.1, 45.2), 43.4)),
        ),
        _BOTH,
        {"T_1": 145, "T_2": 163, "T_3": 198, "T_4": 253, "T_5": 314},
    ),
    6: Table(
        6,
        "The cascade with various backbones",
        ("Backbone", "Cascade"),
        (
            Row("R_50_T_1", ("ResNet-50", NO), _T_1),
            Row("R_50_T_3", ("ResNet-50", YES), _T_3),
            Row("R_101_T_1", ("ResNet-101", NO), _both((20.8, 31.4, 38.9), 40.2)),
            Row("R_101_T_3", ("ResNet-101", YES), _both((28.6, 39.8, 47.0), 44.4)),
            Row("X_101_T_1", ("ResNeXt-101", NO), _both((22.9, 34.3, 42.6), 44.2)),
            Row("X_101_T_3", ("ResNeXt-101", YES), _both((29.6, 41.2, 48.9), 48.2)),
        ),
        ("hoiw", "pic"),
    ),
    7: Table(
        7,
        "Relation representation and score fusion",
        ("Aspect", "Variant"),
        (
            Row("1_only_semantic", ("Relation", "s_s"), _both((14.5, 20.0, 23.3), 26.5)),
            Row("2_only_geometric", ("Representation", "s_g"), _both((19.6, 26.2, 32.1), 30.3)),
            Row("3_only_visual", ("", "s_v"), _both((22.2, 32.8, 38.2), 38.1)),
            Row("4_fusion_sum", ("Score", "s_v + s_g + s_s"), _both((26.7, 37.0, 43.1), 41.3)),
            Row("5_fusion_product", ("Fusion", "s_v ⊙ s_g ⊙ s_s"), _both((27.0, 37.7, 43.5), 41.9)),
            Row("6_fusion_eq16", ("", "(s_v + s_g) ⊙ s_s"), _T_3),
        ),
        _BOTH,
    ),
    8: Table(
        8,
        "Mask and bbox representations",
        ("Relation Representation",),
        (
            Row("1_bbox", ("BBox",), {"pic": (27.1, 37.9, 44.8, 36.6)}),
            Row("2_mask", ("Mask",), {"pic": (27.8, 38.3, 45.3, 37.1)}),
            Row("3_max", ("BBox + Mask (max)",), {"pic": (27.6, 38.3, 45.1, 37.0)}),
            Row("4_sum", ("BBox + Mask (sum)",), {"pic": (27.7, 38.3, 45.1, 37.0)}),
        ),
        ("pic", "synthetic"),
    ),
    "sampling": Table(
        "sampling",
        "Pairs that the interaction networks learn from",
        ("Sample",),
        (
            Row("1_matched_boxes", ("boxes that match an instance, pairs at random",)),
            Row("2_unmatched_boxes", ("unmatched boxes too, annotated pairs evenly",)),
        ),
        (*SYNTHETIC, PHOTOS),
        more_metrics=RANKING,
    ),
    "crowded": Table(
        "crowded",
        "Relation ranking where an image has over 200 pairs",
        ("RRM", "Classified pairs"),
        (
            Row("1_without_rrm", (NO, "all")),
            Row("2_rrm_all", (YES, "all")),
            Row("3_rrm_top64", (YES, "the best 64")),
        ),
        ("synthetic", "synthetic_sparse"),
        more_metrics=RANKING,
    ),
}
