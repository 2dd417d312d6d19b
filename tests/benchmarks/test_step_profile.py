import json

import pytest
import yaml
from tiny import CONFIG, tiny_config

from choi_d2.benchmarks.models import ModelCase
from choi_d2.benchmarks.setting import Setting
from choi_d2.benchmarks.step_profile import COLUMNS, OTHERS, PARTS, profile_step, profile_table
from choi_d2.cli.main import main


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    file = tmp_path_factory.mktemp("step") / "tiny.yaml"
    content = yaml.safe_load(tiny_config().dump())
    file.write_text(yaml.safe_dump({"_BASE_": str(CONFIG), "MODEL": content["MODEL"]}))
    return str(file)


def test_every_part_has_a_forward_and_a_backward(config):
    case = ModelCase(humans=3, objects=2, train=True)
    parts = profile_step(case, Setting(config, (64, 96), proposals=20), steps=1)
    gradients, optimizer = "gradients of parameters", "SGD, forgetting gradients"
    assert set(parts) == {*PARTS.values(), OTHERS, gradients, optimizer}
    for name in PARTS.values():
        assert parts[name]["forward"] > 0 and parts[name]["backward"] > 0
        assert parts[name]["optimizer"] == 0
    assert parts[optimizer]["optimizer"] > 0 and parts[gradients]["backward"] > 0
    table = profile_table(parts).splitlines()
    assert len(table) == len(parts) + 2 and table[-1].endswith("together")


def test_command_line(config, capsys):
    assert (
        main(["benchmark", "--model", config, "--size", "64x96", "step", "--steps", "1", "--json"])
        == 0
    )
    parts = json.loads(capsys.readouterr().out)
    assert all(tuple(times) == COLUMNS for times in parts.values())
    assert main(["benchmark", "--device", "cuda", "step"]) == 2
    assert "--device" in capsys.readouterr().err
