"""Which configs a table's rows are."""

from __future__ import annotations

from pathlib import Path

from .tables import PHOTOS, SYNTHETIC, Row, Table

_FOLDERS = {"hoiw": "HOIW", "pic": "PIC", "vcoco": "VCOCO"}


def row_configs(table: Table, row: Row, dataset: str) -> tuple[Path, Path]:
    """Configs of a row's second and first phase, below the repository's root.

    Rows of one data set, backbone and number of stages share their first phase; on the synthetic
    benchmark and on the photos all rows do.
    """
    data = _FOLDERS.get(dataset, dataset)
    configs, ablations = Path("configs"), Path("configs/ablations")
    if table.number == 3:
        stem = "choi_R_50_FPN" + ("_mask" if row.name == "mask" else "")
        return configs / data / f"{stem}.yaml", configs / data / f"{stem}_phase1.yaml"
    second = ablations / table.folder / data / f"{row.name}.yaml"
    if dataset in SYNTHETIC:
        return second, configs / "synthetic" / "benchmark_phase1.yaml"
    if dataset == PHOTOS:
        return second, configs / "photos" / "choi_MNV2_FPN_phase1.yaml"
    return second, _first_phase(table, row, configs / data, ablations)


def _first_phase(table: Table, row: Row, paper: Path, ablations: Path) -> Path:
    data = paper.name
    single = table.number == 4 and row.name != "6_ihsm_efra_rrm_cascade"
    if single or row.name == "R_50_T_1":
        return ablations / "table5" / data / "T_1_phase1.yaml"
    if table.number == 5 and row.name != "T_3":
        return ablations / "table5" / data / f"{row.name}_phase1.yaml"
    if table.number == 6:
        backbone, stages = row.name.rsplit("_T_", 1)
        if stages == "1":
            return ablations / "table6" / data / f"{row.name}_phase1.yaml"
        return paper / f"choi_{backbone}_FPN_phase1.yaml"
    return paper / "choi_R_50_FPN_phase1.yaml"
