"""Config files: code in them is refused, and what is wrong is told with its file and line."""

import contextlib
import runpy
import sys

import pytest
import yaml
from detectron2.config import CfgNode
from PIL import Image

from choi_d2.engine import load_config
from choi_d2.engine.config_files import read_config_file
from choi_d2.utils import InputError


def write(folder, **files):
    """Files by name without suffix; the path of the last one."""
    for name, text in files.items():
        path = folder / f"{name}.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def complaint(path):
    with pytest.raises(InputError) as error:
        load_config(path)
    return str(error.value)


@pytest.fixture
def mark(tmp_path):
    """A file that code in a config would make."""
    path = tmp_path / "was_here"
    yield path
    assert not path.exists()


# Forms that PyYAML's unsafe loader runs, or that import or name something of Python.
CODE = {
    "apply": "!!python/object/apply:os.system ['touch {mark}']",
    "apply with keywords": "!!python/object/apply:os.system\n  kwds: {{command: 'touch {mark}'}}",
    "eval": "!!python/object/apply:eval [\"open('{mark}', 'w') and 1\"]",
    "new": "!!python/object/new:subprocess.Popen [['touch', '{mark}']]",
    "object": "!!python/object:choi_d2.utils.errors.InputError {{}}",
    "name": "!!python/name:os.system",
    "module": "!!python/module:this",
    "whole tag": "!<tag:yaml.org,2002:python/object/apply:os.system> ['touch {mark}']",
    "handle": "!p!object/apply:os.system ['touch {mark}']",
    "in a tuple": "!!python/tuple [1, !!python/object/apply:os.system ['touch {mark}']]",
    "as a key": "{{? !!python/object/apply:os.system ['touch {mark}'] : 1}}",
    "in a list of dicts": "[{{a: !!python/object/apply:os.system ['touch {mark}']}}]",
}


@pytest.mark.parametrize("form", CODE)
def test_code_is_refused(tmp_path, mark, form):
    head = "%TAG !p! tag:yaml.org,2002:python/\n---\n" if form == "handle" else ""
    path = write(tmp_path, bad=f"{head}SEED: 1\nOUTPUT_DIR: {CODE[form].format(mark=mark)}\n")
    message = complaint(path)
    assert "bad.yaml: line" in message and "\n" not in message
    if form != "as a key":
        assert "would run code. Nothing was run" in message


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("as_list", [False, True])
def test_code_in_a_base_is_refused(tmp_path, mark, depth, as_list):
    write(tmp_path, base0=f"SEED: !!python/object/apply:os.system ['touch {mark}']\n")
    for level in range(1, depth + 1):
        base = f"base{level - 1}.yaml"
        path = write(
            tmp_path,
            good="SEED: 2\n",
            **{f"base{level}": f"_BASE_: {['good.yaml', base] if as_list else base}\nSEED: 3\n"},
        )
    message = complaint(path)
    assert "base0.yaml: line 1: the tag !!python/object/apply:os.system would run" in message


@pytest.mark.parametrize(
    "command",
    [
        ["train_net.py"],
        ["train_net.py", "--eval-only"],
        ["demo/demo.py", "--input", "{folder}/a.png", "--output", "{folder}/out"],
        ["demo/run_synthetic.py"],
    ],
    ids=" ".join,
)
def test_no_command_runs_code(repository, tmp_path, mark, command, monkeypatch, capsys):
    bad = write(
        tmp_path,
        base=f"SEED: !!python/object/apply:os.system ['touch {mark}']\n",
        bad="_BASE_: base.yaml\n",
    )
    write_photo(tmp_path / "a.png")
    script, *words = (word.format(folder=tmp_path) for word in command)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DETECTRON2_DATASETS", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [script, "--config-file", str(bad), *words])
    before = set(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(repository / script), run_name="__main__")
    assert end.value.code == 2
    assert set(tmp_path.rglob("*")) == before  # nor was anything drawn
    assert "base.yaml: line 1: the tag !!python/object/apply:os.system" in capsys.readouterr().err


def write_photo(path):
    Image.new("RGB", (8, 8)).save(path)


def test_what_load_config_gives_reads_no_other_file_unsafely(tmp_path, mark):
    bad = write(tmp_path, bad=f"SEED: !!python/object/apply:os.system ['touch {mark}']\n")
    for cfg in (load_config(""), load_config("").clone()):
        assert isinstance(cfg, CfgNode)
        with pytest.raises(InputError, match="would run code"):
            cfg.merge_from_file(str(bad), allow_unsafe=True)


def test_pythons_plain_values_are_read(tmp_path):
    text = """
    MODEL:
      ANCHOR_GENERATOR:
        SIZES: !!python/tuple
        - !!python/tuple [32]
        - [64]
      PIXEL_MEAN: (1.0, 2.0, 3)
      WEIGHTS: !!python/unicode "a.pth"
    SOLVER: !!python/dict
      BASE_LR: 1e-3
      STEPS: (1, 2,)
    SEED: !!python/long 7
    """
    path = write(tmp_path, plain=text)
    assert read_config_file(path).content["MODEL"]["ANCHOR_GENERATOR"]["SIZES"] == ((32,), [64])
    cfg = load_config(path)
    assert cfg.MODEL.ANCHOR_GENERATOR.SIZES == [(32,), [64]]
    assert cfg.MODEL.PIXEL_MEAN == [1.0, 2.0, 3] and cfg.MODEL.WEIGHTS == "a.pth"
    assert (cfg.SOLVER.BASE_LR, cfg.SOLVER.STEPS, cfg.SEED) == (0.001, (1, 2), 7)


def test_a_dump_is_read_back(tmp_path, repository):
    cfg = load_config(repository / "configs" / "synthetic" / "choi_R_18_FPN.yaml")
    path = write(tmp_path, dump=cfg.dump())
    assert yaml.safe_load(load_config(path).dump()) == yaml.safe_load(cfg.dump())


def test_bases_and_what_goes_over_what(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "deep").mkdir()
    write(
        tmp_path,
        home="SEED: 1\nSOLVER: &solver {MAX_ITER: 1, BASE_LR: 0.5}\n",
        absolute=f"_BASE_: {tmp_path}/home.yaml\nSEED: 2\n",
    )
    write(tmp_path / "deep", beside="SEED: 3\nSOLVER: {MAX_ITER: 3}\n")
    path = write(
        tmp_path / "deep",
        top="_BASE_: ['~/home.yaml', ../absolute.yaml, beside.yaml]\nOUTPUT_DIR: out\n",
    )
    found = read_config_file(path)
    assert found.content == {
        "SEED": 3,
        "SOLVER": {"MAX_ITER": 3, "BASE_LR": 0.5},
        "OUTPUT_DIR": "out",
    }
    assert found.places["SEED"] == (str(tmp_path / "deep" / "beside.yaml"), 1)
    cfg = load_config(path)
    assert (cfg.SEED, cfg.SOLVER.MAX_ITER, cfg.SOLVER.BASE_LR) == (3, 3, 0.5)


def test_aliases_and_merge_keys(tmp_path):
    text = "A: &a {x: 1, y: 2}\nB: {<<: *a, y: 3}\nC: *a\n"
    path = write(tmp_path, base=text, top="_BASE_: base.yaml\nC: {x: 9}\n")
    a = {"x": 1, "y": 2}
    assert read_config_file(path).content == {"A": a, "B": {"x": 1, "y": 3}, "C": {"x": 9, "y": 2}}


def test_utf_8_and_16_with_byte_order_marks(tmp_path):
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path = write(tmp_path, mark="OUTPUT_DIR: größe\n".encode(encoding))
        assert load_config(path).OUTPUT_DIR == "größe"


BROKEN = {
    "empty": (b"", "bad.yaml: expected keys and their values, found an empty file"),
    "comments": ("# nothing\n", "found an empty file"),
    "list": ("- 1\n- 2\n", "expected keys and their values, found a list"),
    "text": ("hello\n", "expected keys and their values, found a single value"),
    "binary": (b"\x80\x02\0\0}q", "expected YAML text, found binary data"),
    "latin": ("OUTPUT_DIR: gr\xf6\xdfe".encode("latin-1"), "expected YAML text, found binary"),
    "syntax": ("SEED: 1\nMODEL: [1, {\n", "line 3: expected YAML: "),
    "tab": ("MODEL:\n\tMASK_ON: True\n", "line 2: expected YAML: "),
    "two": ("SEED: 1\n---\nSEED: 2\n", "line 2: expected YAML: "),
    "no alias": ("SEED: *seed\n", "line 1: expected YAML: found undefined alias"),
    "own tag": ("SEED: !mine 3\n", "line 1: unknown tag !mine"),
    "twice": ("SEED: 1\nMODEL: {}\nSEED: 2\n", "line 3: SEED stands in line 1 already"),
    "deep twice": ("MODEL:\n  RPN: {NMS_THRESH: 1,\n  NMS_THRESH: 2}\n", "line 3: MODEL.RPN.NMS"),
    "number as key": ("SOLVER:\n  3: 4\n", "line 2: expected a key's name, found 3"),
    "yes as key": ("MODEL:\n  ON: 4\n", "line 2: expected a key's name, found ON"),
    "alias of itself": ("MODEL: &m {RPN: *m}\n", "line 1: an alias (*) of what it stands in"),
    "no date": ("OUTPUT_DIR: 2001-99-99\n", "bad.yaml: expected YAML (month"),
    "no key": ("MODEL:\n  RESNETS: {DEPHT: 3}\n", "line 2: Non-existent config key: MODEL.RESNETS"),
    "type": ("SEED: 1\nSOLVER:\n  MAX_ITER: a\n", "line 3: Type mismatch"),
    "long": (f"A: {'[' * 1500}", "bad.yaml: nested too deeply"),
    "no base": ("SEED: 1\n_BASE_: nope.yaml\n", "field '_BASE_': line 2: no such file: "),
    "base": ("_BASE_: {a: 1}\n", "field '_BASE_': line 1: expected a path or a list of paths"),
    "base null": ("_BASE_:\n", "line 1: expected a path or a list of paths, found None"),
    "bases": ("_BASE_: [3]\n", "line 1: expected a path or a list of paths, found 3"),
    "base is no address": ("_BASE_: 'http://[a'\n", "http://[a: cannot be read (Invalid IPv6 URL"),
    "base is a folder": ("_BASE_: .\n", "expected a YAML file, found a folder"),
    "base in a key": ("MODEL: {_BASE_: bad.yaml}\n", "line 1: Non-existent config key: MODEL._B"),
    "itself": ("_BASE_: bad.yaml\n", "line 1: leads back to itself: "),
    "more keys": ("_BASE_: good.yaml\nSEED: {a: 1}\n", "field 'SEED': expected a value"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files(tmp_path, case):
    content, expected = BROKEN[case]
    message = complaint(write(tmp_path, good="SEED: 1\n", bad=content))
    assert expected in message and "\n" not in message


def test_a_bomb_of_aliases(tmp_path):
    lines = ["A0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"A{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    assert "more than 100000 values" in complaint(write(tmp_path, bomb="\n".join(lines)))


def test_bases_in_a_ring(tmp_path):
    c = f"_BASE_: ../{tmp_path.name}/a.yaml\n"
    path = write(tmp_path, c=c, b="_BASE_: c.yaml\n", a="_BASE_: b.yaml\n")
    assert "c.yaml, field '_BASE_': line 1: leads back to itself: " in complaint(path)


def test_a_folder_and_what_a_base_says(tmp_path):
    assert "found a folder" in complaint(tmp_path)
    path = write(tmp_path, base="SEED: 1\nSEEED: 2\n", top="_BASE_: base.yaml\n")
    message = complaint(path)
    assert "base.yaml: line 2: Non-existent config key: SEEED. Did you mean SEED?" in message


def test_options_are_values_not_code(mark):
    for value in (f"__import__('os').system('touch {mark}')", "-" * 100000 + "1", "(" * 300):
        with contextlib.suppress(InputError):
            assert load_config("", ["OUTPUT_DIR", value]).OUTPUT_DIR == value


@pytest.mark.parametrize("text", ["SOLVER:\n  MAX_ITER:\nSEED: 1\n", "SOLVER: {MAX_ITER: null}\n"])
def test_a_key_without_its_value(tmp_path, text):
    base = write(tmp_path, base=text)
    above = write(tmp_path, above="_BASE_: base.yaml\n")
    line = 2 if "\n  " in text else 1
    for path in (base, above):
        message = complaint(path)
        assert f"base.yaml, field 'SOLVER.MAX_ITER': line {line}: expected a value" in message
    with pytest.raises(InputError, match="the command line.*SEED.*expected a value such as -1"):
        load_config("", ["SEED", "None"])


def test_a_key_that_has_no_value_by_default(tmp_path):
    cfg = load_config(write(tmp_path, a="SOLVER: {WEIGHT_DECAY_BIAS: null}\n"))
    assert cfg.SOLVER.WEIGHT_DECAY_BIAS is None
