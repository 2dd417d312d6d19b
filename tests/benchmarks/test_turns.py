import pytest

from choi_d2.benchmarks import turns


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only where it is told to."""

    class Clock:
        seconds = 0.0

        def perf_counter(self):
            return self.seconds

    clock = Clock()
    monkeypatch.setattr(turns, "time", clock)
    return clock


def test_rows_alternate_and_the_first_round_does_not_count(clock):
    calls = []

    def action(name, seconds):
        def call():
            first = name not in calls
            calls.append(name)
            clock.seconds += 100.0 if first else seconds

        return call

    times = turns.take_turns({"a": action("a", 1.0), "b": action("b", 3.0)}, 3, "cpu")
    assert calls == ["b", "a", "a", "b", "b", "a", "a", "b"]
    assert times == {"a": [1.0] * 3, "b": [3.0] * 3}


def test_ratios_are_of_one_round_each():
    """A machine that is slowed down for a round slows both down."""
    summary = turns.summarise([0.002, 0.020, 0.0045], [0.001, 0.010, 0.0015])
    assert summary == {
        "ratio": 2.0,
        "ratio_range": [2.0, 3.0],
        "median_ms": 4.5,
        "lowest_ms": 2.0,
        "all_ms": [2.0, 20.0, 4.5],
    }
