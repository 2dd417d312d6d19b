"""What the sources call: nothing that runs code out of a file that a user opens."""

import ast

import pytest

ROOMS = ("choi_d2", "configs", "datasets", "demo", "packaging")
# Run code whatever their arguments are.
FORBIDDEN = {
    "eval",
    "exec",
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "yaml.load",
    "yaml.load_all",
    "yaml.full_load",
    "yaml.unsafe_load",
    "os.system",
    "os.popen",
    "marshal.load",
    "marshal.loads",
    "shelve.open",
    "joblib.load",
    "dill.load",
    "get_cfg().merge_from_file",
}
# Must be given these.
REQUIRED = {
    "torch.load": ("weights_only", True),
    "torch.hub.load_state_dict_from_url": ("weights_only", True),
    "get_state_dict": ("weights_only", True),
}
# Must not be given these.
UNWANTED = {
    "np.load": ("allow_pickle", True),
    "numpy.load": ("allow_pickle", True),
    "subprocess.run": ("shell", True),
    "subprocess.Popen": ("shell", True),
    "merge_from_file": ("allow_unsafe", True),
}


def problem(call: ast.Call) -> str | None:
    name = ast.unparse(call.func)
    given = {word.arg: getattr(word.value, "value", None) for word in call.keywords}
    if name in FORBIDDEN:
        return name
    for table, is_wrong in ((REQUIRED, lambda x, y: x != y), (UNWANTED, lambda x, y: x == y)):
        for function, (word, value) in table.items():
            if name == function or name.endswith(f".{function}"):
                if is_wrong(given.get(word), value):
                    return f"{name} with {word}={given.get(word)}"
    return None


def problems_in(source: str) -> list[str]:
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [found for call in calls if (found := problem(call))]


def test_no_source_runs_code_out_of_files(repository):
    files = [repository / "train_net.py"]
    for room in ROOMS:
        files += (repository / room).rglob("*.py")
    found = {}
    for file in files:
        problems = problems_in(file.read_text(encoding="utf-8"))
        # A class of its own may derive from pickle.Unpickler, which is no call.
        if problems:
            found[str(file.relative_to(repository))] = problems
    assert found == {} and len(files) > 100


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "weights.get_state_dict(progress=True)",
        "pickle.load(file)",
        "yaml.load(file, Loader=yaml.Loader)",
        "np.load(file, allow_pickle=True)",
        "subprocess.run(words, shell=True)",
        "cfg.merge_from_file(path, allow_unsafe=True)",
        "x = eval(text)",
    ],
)
def test_it_would_be_found(source):
    assert problems_in(source)
    assert not problems_in("torch.load(path, weights_only=True); yaml.safe_load(f); np.load(f)")
