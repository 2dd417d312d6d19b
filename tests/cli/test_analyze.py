"""``choi analyze``: what it prints, and what it refuses."""

import json

import pytest

from choi_d2.cli.main import main

SMALL = ["--height", "64", "--width", "96"]
OPTS = ["MODEL.DEVICE", "cpu", "MODEL.RPN.POST_NMS_TOPK_TEST", "5"]


@pytest.fixture
def analyze(repository):
    config = repository / "configs" / "synthetic" / "choi_R_18_FPN.yaml"
    return lambda *words: main(["analyze", "--config-file", str(config), *SMALL, *words])


def test_words_and_json_tell_the_same(analyze, capsys):
    scene = ["--humans", "2", "--objects", "3"]
    assert analyze(*scene, "--json", *OPTS) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["pairs"] == 6 and result["proposals"] == 5
    for key in ("parameters", "operations"):
        assert result["total"][key] == sum(part[key] for part in result["parts"].values())
    assert {"backbone", "RPN", "L^3", "R^3 IHSM", "R^3 EFRA", "R^1 X_g"} <= set(result["parts"])
    assert analyze(*scene, *OPTS) == 0
    printed = capsys.readouterr().out
    assert f"{result['total']['parameters']:,}" in printed
    assert "2 humans and 3 objects form 6 pairs" in printed


def test_the_first_phase(analyze, capsys):
    assert analyze("--json", *OPTS, "MODEL.INTERACTION_ON", "False") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["pairs"] == 0
    assert not any(part.startswith("R^") for part in result["parts"])


def test_negative_counts_are_refused(analyze, capsys):
    with pytest.raises(SystemExit) as end:
        analyze("--humans", "-1")
    assert end.value.code == 2 and "whole number from 0, found '-1'" in capsys.readouterr().err
