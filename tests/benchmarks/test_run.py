"""Every section, on a tiny model."""

import json
import multiprocessing

import pytest
import yaml
from tiny import CONFIG, tiny_config

from choi_d2.benchmarks import SECTIONS, run_benchmark
from choi_d2.benchmarks.heads import HeadCase
from choi_d2.benchmarks.peak_memory import peak_memory
from choi_d2.benchmarks.setting import Setting
from choi_d2.benchmarks.table import section_table
from choi_d2.cli.benchmark import SECTIONS as NAMES
from choi_d2.cli.main import main
from choi_d2.utils import InputError


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    file = tmp_path_factory.mktemp("benchmark") / "tiny.yaml"
    content = yaml.safe_load(tiny_config("MODEL.ROI_MASK_HEAD.CONV_DIM", 8).dump())
    file.write_text(yaml.safe_dump({"_BASE_": str(CONFIG), "MODEL": content["MODEL"]}))
    return Setting(str(file), (64, 96), proposals=20)


def test_the_command_line_knows_all_sections():
    assert tuple(SECTIONS) == NAMES


@pytest.mark.parametrize("name", [x for x in SECTIONS if x != "loader"])
def test_a_section(name, setting):
    reported = []
    result = run_benchmark(
        setting, only=[name], crowds=(2,), rounds=2, memory=False, report=reported.append
    )
    (section,) = result["sections"].values()
    assert reported == [section]
    for row in section["rows"].values():
        assert row["base"] in section["rows"] and len(row["all_ms"]) == 2
        assert list(row)[:4] == ["ratio", "ratio_range", "base", "median_ms"] and row["ratio"] > 0
        assert row["peak_memory_bytes"] is None
        assert (row["ms_per_pair"] is None) == (row["pairs"] == 0)
    assert all(row["ratio"] == 1 for name, row in section["rows"].items() if row["base"] == name)
    json.dumps(result, allow_nan=False)
    text = section_table(section)
    assert all(row in text for row in section["rows"])


def test_the_loader_reads_all_forms_beside_a_step(setting):
    result = run_benchmark(setting, only=["loader"], rounds=1, memory=False)
    rows = result["sections"]["loader"]["rows"]
    assert [name.split()[-1] for name in rows] == ["step", "hoiw", "pic", "vcoco"]
    for row in rows.values():
        assert row["images_per_second"] == pytest.approx(1000 / row["ms_per_image"], rel=1e-2)


def test_memory_is_said_before_and_after_the_call(setting, monkeypatch):
    class Context:
        """A process of its own takes long to start: here it is this one."""

        Pipe = staticmethod(multiprocessing.Pipe)

        class Process:
            def __init__(self, target, args):
                self.start = lambda: target(*args)

            def join(self):
                pass

    monkeypatch.setattr(multiprocessing, "get_context", lambda kind: Context)
    peak = peak_memory(HeadCase(2, 2), setting, threads=1)
    assert 0 < peak["prepared"] <= peak["peak"]


def test_what_is_not_there_is_refused(setting):
    with pytest.raises(InputError, match="detector"):
        run_benchmark(setting, only=["speed"])


def test_the_command_line_writes_what_it_measured(setting, tmp_path, capsys):
    output = tmp_path / "benchmark.json"
    words = ["--output", output, "--only", "head", "--quick", "--rounds", 1, "--crowds", "2,3"]
    words += ["--model", setting.config_file, "--size", "64x96"]
    assert main(["benchmark", *map(str, words), "--json"]) == 0
    content = json.loads(output.read_text())
    rows = content["sections"]["head"]["rows"]
    assert [row["pairs"] for row in rows.values()] == [4, 4, 9, 9]
    printed = capsys.readouterr()
    assert json.loads(printed.out) == content and "3 x 3 pairs, plain" in printed.err


@pytest.mark.parametrize("words", [["--only", "speed"], ["--size", "64"], ["--crowds", "0"]])
def test_wrong_options(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(["benchmark", *words])
    assert end.value.code == 2 and "expected" in capsys.readouterr().err


def test_a_folder_that_is_not_there(tmp_path, capsys):
    assert main(["benchmark", "--output", str(tmp_path / "nowhere" / "a.json")]) == 2
    assert "nowhere" in capsys.readouterr().err
