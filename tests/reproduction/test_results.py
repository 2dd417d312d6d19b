"""Numbers from files, and over seeds."""

import pytest
from fake_runs import write_results

from choi_d2.reproduction.results import (
    Summary,
    gains,
    is_evaluated,
    last_iteration,
    look_up,
    per_verb,
    read_results,
    summarize,
)
from choi_d2.reproduction.tables import MAP_REL, MEAN_RECALL, Metric

RESULTS = {
    "bbox": {"AP": 50.0, "AP-cup": 3.0},
    "hoi": {"mAP_rel": 40.0, "AP-ride": 60.0, "AP-call": None},
    "recall": {"R@20": 10.0, "R@50": 20.0, "R@100": 60.0},
}


def test_look_up_in_whichever_task():
    assert look_up(RESULTS, MAP_REL) == 40.0
    assert look_up(RESULTS, Metric("x", ("no such", "R@50"))) == 20.0
    assert look_up(RESULTS, MEAN_RECALL) == 30.0
    assert look_up(RESULTS, Metric("x", ("AP-call",))) is None
    assert look_up({"hoi": {}}, MEAN_RECALL) is None


def test_per_verb_is_of_verbs_and_not_of_classes():
    assert per_verb(RESULTS) == {"ride": 60.0}


def test_deviation_is_the_samples():
    assert Summary((1.0, 2.0, 4.0)).deviation == pytest.approx((14 / 6) ** 0.5)
    assert Summary((1.0, None)).deviation is None and Summary((1.0, None)).mean == 1.0
    assert Summary((None,)).mean is None


def test_summary_of_a_row(table4):
    write_results(table4, "2_ihsm", [40.0, 43.0])
    assert summarize(table4.rows[1], MAP_REL).values == (40.0, 43.0)
    assert summarize(table4.rows[0], MAP_REL).values == (None, None)


@pytest.mark.parametrize(
    "text", ["", "{", '{"results": {}}', '{"results": null}', "[]", '{"results": {"test": {}}}']
)
def test_results_that_are_not_whole(table4, text):
    evaluation = table4.evaluations()[0]
    evaluation.folder.mkdir(parents=True)
    evaluation.results_file.write_text(text)
    assert read_results(evaluation) == {} and not is_evaluated(evaluation)


def test_gains_are_between_runs_of_one_seed(table4):
    write_results(table4, "1_baseline", [30.0, 30.0], {"ride": [10.0, 20.0], "call": [5.0, 5.0]})
    write_results(table4, "2_ihsm", [31.0, None], {"ride": [14.0, 20.0], "call": [4.0, 9.0]})
    found = gains(table4.rows[1], table4.rows[0])
    assert found["ride"].values == (4.0, None) and found["call"].values == (-1.0, None)


def test_last_iteration_of_a_file_that_was_cut(table4):
    training = table4.second_phases()[0]
    assert last_iteration(training) == 0
    training.folder.mkdir(parents=True)
    (training.folder / "metrics.json").write_text('{"iteration": 19}\n{"iteration": 39}\n{"iter')
    assert last_iteration(training) == 40
