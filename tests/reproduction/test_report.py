"""The table as JSON and Markdown."""

import json

import pytest
from fake_runs import write_results

from choi_d2.reproduction.plan import make_plan
from choi_d2.reproduction.report import cell, make_report, markdown, write_report
from choi_d2.reproduction.results import TRAINING_FILE
from choi_d2.reproduction.tables import TABLES

MACHINE = {"cpu": "a CPU", "cores": 2, "gpu": None, "gpus": 0, "torch": "2.0", "python": "3.11"}


@pytest.fixture
def report(table4, repository):
    write_results(table4, "1_baseline", [30.0, 34.0], {"ride": [10.0, 20.0]})
    write_results(table4, "2_ihsm", [35.0, None], {"ride": [14.0, 20.0]})
    write_results(table4, "3_efra", [35.0, 36.0], {"ride": [9.0, 21.0]})
    training = table4.rows[0].evaluations[0].training
    training.folder.mkdir(parents=True, exist_ok=True)
    note = {"seconds": 12.5, "machine": MACHINE, "date": "2030-01-02T00:00:00", "commit": "abc"}
    (training.folder / TRAINING_FILE).write_text(json.dumps(note))
    log = [{"iteration": i, "stage0/pairs/positive": i, "loss_rcm_visual": 1.0} for i in range(8)]
    text = "".join(f"{json.dumps(entry)}\n" for entry in log)
    (training.folder / "metrics.json").write_text(text + '{"cut sho')
    failures = {table4.rows[3].evaluations[0].folder: "exit code 3"}
    return make_report(table4, repository, failures=failures, command=["python", "x.py"])


def lines(report):
    return [line for line in markdown(report).splitlines() if line.startswith("|")]


def test_markdown(report):
    head, _, baseline, ihsm, efra, both, *_ = lines(report)
    assert head == "| IHSM | EFRA | RRM | CAS | mAP_rel | paper: HOIW mAP_rel |"
    assert baseline == "| ✗ | ✗ | ✗ | ✗ | 32.0 ± 2.8 | 33.9 |"
    assert ihsm == "| ✓ | ✗ | ✗ | ✗ | 35.0 (1 of 2) | 34.4 |"
    assert efra == "| ✗ | ✓ | ✗ | ✗ | 35.5 ± 0.7 | 36.7 |"
    assert both == "| ✓ | ✓ | ✗ | ✗ | — | 37.5 |"


def test_notes(report):
    text = markdown(report)
    assert "seeds 1 to 2 of the second phase" in text and "one for all seeds" in text
    assert "Trained on 2 cores of a CPU, PyTorch 2.0." in text and "2030-01-02, commit abc" in text
    assert "Failed: 4_ihsm_efra, seed 1: exit code 3" in text
    assert "python x.py" in text


def test_json(report, tmp_path):
    data, text = write_report(report, tmp_path / "new folder")
    content = json.loads(data.read_text())
    baseline = content["rows"][0]
    assert baseline["config"] == "configs/ablations/table4/HOIW/1_baseline.yaml"
    assert baseline["phase1_config"] == "configs/ablations/table5/HOIW/T_1_phase1.yaml"
    assert baseline["metrics"]["mAP_rel"]["by_seed"] == [30.0, 34.0]
    assert baseline["metrics"]["mAP_rel"]["deviation"] == pytest.approx(8**0.5)
    assert baseline["paper"] == {"HOIW mAP_rel": 33.9}
    assert baseline["seeds"][0]["training"]["seconds"] == 12.5
    # The last five lines, of which one is broken.
    seen = {"loss_rcm_visual": 1.0, "stage0/pairs/positive": 5.5}
    assert baseline["seeds"][0]["watched"] == seen
    assert baseline["seeds"][1]["results"]["hoi"]["mAP_rel"] == 34.0
    assert content["per_verb_gain"]["IHSM"]["ride"]["by_seed"] == [4.0, None]
    assert content["per_verb_gain"]["EFRA"]["ride"]["by_seed"] == [-1.0, 1.0]
    assert content["machine"]["torch"] and text.read_text() == markdown(report)


def test_cell():
    assert cell({"mean": None, "deviation": None, "values": []}, 3) == "—"
    assert cell({"mean": 5.04, "deviation": None, "values": [5.04]}, 1) == "5.0"


def test_speed_of_table_5(repository, tmp_path):
    plan = make_plan(TABLES[5], "synthetic", root=repository, output=tmp_path)
    speed = {"milliseconds": {"T_1": 20.4}, "images": 20, "device": "cpu", "threads": 2}
    report = make_report(plan, repository, speed=speed)
    head, _, first, second, *_ = lines(report)
    assert head.startswith("| T | ms / image | mAP_rel | R@20 | R@50 | R@100 | paper: ms / image |")
    assert first.startswith("| 1 | 20 | — | — | — | — | 145 | 38.6 | 19.0 |")
    assert second.startswith("| 2 | — |") and report["per_verb_gain"] is None
    assert "median over 20 images" in markdown(report)


def test_optional_columns_appear_with_their_numbers(repository, tmp_path):
    plan = make_plan(TABLES[4], "synthetic", root=repository, output=tmp_path)
    evaluation = plan.rows[0].evaluations[0]
    evaluation.folder.mkdir(parents=True)
    content = {"results": {"x": {"recall": {"R@100-IoU75": 12.0}}}}
    evaluation.results_file.write_text(json.dumps(content))
    assert "R@100, IoU .75" in lines(make_report(plan, repository))[0]
