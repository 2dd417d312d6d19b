"""Hours: assumed from the config, or as measured."""

import json

import pytest

from choi_d2.reproduction.estimate import Estimate
from choi_d2.reproduction.results import EVALUATION_FILE, TRAINING_FILE


def trained(training, seconds, iterations):
    training.folder.mkdir(parents=True)
    training.weights.write_text("weights")
    note = {"seconds": seconds, "iterations": iterations}
    (training.folder / TRAINING_FILE).write_text(json.dumps(note))


def test_assumed_hours_follow_the_schedule(table4):
    single, cascade = table4.first_phases()
    eight = Estimate(table4, 8)
    # 14,882 iterations of two images on each of eight GPUs.
    assert eight.training_hours(single) == pytest.approx(14882 * 2 * 0.14 / 3600)
    assert eight.training_hours(cascade) == pytest.approx(14882 * 2 * 0.14 * 1.3 / 3600)
    # One GPU sees as many images at a time, eight times as often.
    one = Estimate(table4, 1)
    assert one.training_hours(single) == pytest.approx(8 * eight.training_hours(single))
    assert "assumed" in one.basis()


def test_what_is_done_takes_no_time_and_what_is_begun_less(table4):
    first, second = table4.second_phases()[:2]
    whole = Estimate(table4, 8).training_hours(second)
    second.folder.mkdir(parents=True)
    (second.folder / "metrics.json").write_text('{"iteration": 8681}\n')
    trained(first, 3600.0, 0)
    estimate = Estimate(table4, 8)
    assert estimate.training_hours(first) == 0
    assert estimate.training_hours(second) == pytest.approx(whole / 2, rel=1e-3)


def test_measured_times_replace_assumptions(table4):
    first, second, third = table4.second_phases()[:3]
    trained(first, 1000.0, 100)
    trained(second, 3000.0, 100)
    evaluation = table4.evaluations()[0]
    evaluation.folder.mkdir(parents=True)
    (evaluation.folder / EVALUATION_FILE).write_text('{"seconds": 720.0}')
    estimate = Estimate(table4, 8)
    assert estimate.training_hours(third) == pytest.approx(17363 * 20 / 3600)
    assert estimate.evaluation_hours(table4.evaluations()[1]) == pytest.approx(0.2)
    assert "20.00 s an iteration in the second phase, measured" in estimate.basis()
