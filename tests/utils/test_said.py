"""What several parts of a run find out is said once in it."""

import logging

from choi_d2.utils.said import say, saying_nothing, saying_once

logger = logging.getLogger("choi_d2.tests")


def said(caplog):
    words = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return words


def test_once_in_a_run_and_again_in_the_next(caplog):
    for _ in range(2):
        with saying_once():
            for name in ("a", "b", "a"):
                say(logger, logging.WARNING, "%s is broken", name)
            with saying_once():
                say(logger, logging.WARNING, "a is broken")
        assert said(caplog) == ["a is broken", "b is broken"]


def test_always_without_a_run(caplog):
    for _ in range(2):
        say(logger, logging.WARNING, "100% of a")
    assert said(caplog) == ["100% of a"] * 2
    assert not caplog.records


def test_what_will_be_found_again_is_not_said(caplog):
    with saying_once():
        with saying_nothing():
            say(logger, logging.WARNING, "a is broken")
        assert said(caplog) == []
        say(logger, logging.WARNING, "a is broken")
    assert said(caplog) == ["a is broken"]


def test_the_place_is_the_speakers(caplog):
    say(logger, logging.WARNING, "a")
    assert caplog.records[0].filename == "test_said.py"
