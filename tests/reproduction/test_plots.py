"""Pictures of tables; of nothing, no picture."""

import matplotlib.image
import pytest
from fake_runs import write_results

from choi_d2.reproduction.plan import make_plan
from choi_d2.reproduction.plots import draw
from choi_d2.reproduction.report import make_report
from choi_d2.reproduction.tables import TABLES

ALL = [(number, table.datasets[-1]) for number, table in TABLES.items()]


def is_drawn(path):
    picture = matplotlib.image.imread(path)
    return picture.min() < 0.5 < picture.max()


@pytest.mark.parametrize("number, dataset", ALL)
def test_every_table_with_a_row_missing(number, dataset, repository, tmp_path):
    plan = make_plan(TABLES[number], dataset, root=repository, output=tmp_path, seeds=2)
    assert draw(make_report(plan, repository), tmp_path) == []
    names = {"vcoco": "AP_role_S1", "pic": "R@100"}
    for index, row in enumerate(plan.rows[:-1]):
        verbs = {names.get(dataset, "mAP_rel").removeprefix("AP-"): [1.0, 2.0], "ride": [1.0, 3.0]}
        write_results(plan, row.row.name, [20.0 + index, 22.0], verbs)
        for evaluation in row.evaluations:
            text = evaluation.results_file.read_text()
            text = text.replace('"mAP_rel"', f'"{names[dataset]}"') if dataset in names else text
            evaluation.results_file.write_text(text)
    speed = {"milliseconds": {"T_1": 20.4}, "images": 20, "device": "cpu", "threads": 2}
    written = draw(make_report(plan, repository, speed=speed), tmp_path)
    stem = TABLES[number].stem(dataset)
    expected = [f"{stem}.png"] + ([f"{stem}_per_verb.png"] if number == 4 else [])
    assert [path.name for path in written] == expected
    assert all(is_drawn(path) for path in written)
