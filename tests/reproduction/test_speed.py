"""Table 5's column."""

import pytest
import torch
from fake_runs import write_results
from torch import nn

from choi_d2.reproduction import speed


class Clock:
    """Time that passes only in models."""

    def __init__(self):
        self.seconds = 0.0

    def perf_counter(self):
        return self.seconds


class Model(nn.Module):
    """Takes long at first, as models do."""

    device = torch.device("cpu")

    def __init__(self, clock, seconds):
        super().__init__()
        self.clock, self.seconds, self.calls = clock, seconds, 0

    def forward(self, batch):
        self.calls += 1
        self.clock.seconds += 9.0 if self.calls <= speed.WARM_UP else self.seconds * self.calls


@pytest.fixture
def loaded(monkeypatch):
    models, clock = [], Clock()

    def load(cfg, weights):
        models.append(Model(clock, 0.002 * (1 + len(models))))
        return models[-1]

    monkeypatch.setattr(speed, "time", clock)
    monkeypatch.setattr(speed, "_load", load)
    batches = [[{}]] * 9
    monkeypatch.setattr(speed.HOITrainer, "build_test_loader", lambda cfg, name: iter(batches))
    return models


def test_median_without_the_warm_up_of_rows_that_are_done(table4, loaded):
    assert speed.measure_speed(table4) is None
    write_results(table4, "1_baseline", [1.0, 1.0])
    write_results(table4, "3_efra", [1.0, None])
    found = speed.measure_speed(table4, images=5)
    # Calls 4 to 8 count.
    assert found["milliseconds"] == {"1_baseline": 12.0, "3_efra": 24.0}
    assert [model.calls for model in loaded] == [8, 8] and found["images"] == 5


def test_measured_again_only_when_a_row_has_come(table4, loaded):
    write_results(table4, "1_baseline", [1.0, 1.0])
    first = speed.measure_speed(table4, images=5)
    assert speed.measure_speed(table4, images=5) == first and len(loaded) == 1
    write_results(table4, "2_ihsm", [1.0, 1.0])
    assert set(speed.measure_speed(table4, images=5)["milliseconds"]) == {"1_baseline", "2_ihsm"}
