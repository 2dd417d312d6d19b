"""Config files: YAML that runs no code, through every ``_BASE_``, with the line of each key."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml
from detectron2.config import CfgNode
from detectron2.utils.file_io import PathManager

from choi_d2.utils import InputError

_BASE = "_BASE_"
_PYTHON = "tag:yaml.org,2002:python/"
# More than any config has; aliases of aliases would grow without end.
_MOST_VALUES = 100_000
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class SafeCfgNode(CfgNode):
    """Detectron2's config, which reads files by :func:`read_config_file` only.

    Detectron2's own reads ``!!python/object`` and its like, which run code.
    """

    @classmethod
    def load_yaml_with_base(cls, filename: str, allow_unsafe: bool = False) -> dict[str, Any]:
        """The content of a file and its bases.

        Args:
            filename: YAML.
            allow_unsafe: Detectron2's; there is no unsafe way here.
        """
        return read_config_file(filename).content


class ConfigFile(NamedTuple):
    """A config file with its bases.

    Attributes:
        content: nested dicts; what a file says goes over what its bases say.
        places: "MODEL.RESNETS.DEPTH" -> (file, line) where it was said last.
    """

    content: dict[str, Any]
    places: dict[str, tuple[str, int]]


def read_config_file(path: str | os.PathLike, *, above: tuple[str, ...] = ()) -> ConfigFile:
    """Read a YAML file and those that it names as ``_BASE_``: a path, or a list of paths.

    A relative base is looked for beside the file that names it; ``~`` and http(s) are understood.
    Of Python's tags only those of plain values are read, such as ``!!python/tuple``.

    Args:
        path: YAML.
        above: the files that led here.

    Raises:
        InputError: no such file, no YAML, a tag that would run code, a key twice, or a base that
            leads back to the file; with the line.
    """
    path = os.fspath(path)
    content, places = _parse(_read(path), path)
    bases = content.pop(_BASE, [])
    line = places.pop(_BASE, (path, 0))[1]
    merged = ConfigFile({}, {})
    for base in [bases] if isinstance(bases, str) else bases if isinstance(bases, list) else [None]:
        found = _read_base(base, path, line, above)
        _merge(found.content, merged.content, path)
        merged.places.update(found.places)
    _merge(content, merged.content, path)
    merged.places.update(places)
    return merged


class _ConfigLoader(yaml.SafeLoader):
    """YAML's plain values and tuples."""

    def construct_undefined(self, node: yaml.Node) -> None:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        problem = f"the tag {tag} would run code" if _PYTHON in node.tag else f"unknown tag {tag}"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _tuple(loader: _ConfigLoader, node: yaml.Node) -> tuple:
    return tuple(loader.construct_sequence(node, deep=True))


_ConfigLoader.add_constructor(None, _ConfigLoader.construct_undefined)
_ConfigLoader.add_constructor(f"{_PYTHON}tuple", _tuple)
# What dumps of Python 2 and of `yaml.dump` call plain values.
for _name, _plain in {
    "none": "null",
    "bool": "bool",
    "int": "int",
    "long": "int",
    "float": "float",
    "str": "str",
    "unicode": "str",
    "list": "seq",
    "dict": "map",
}.items():
    _read_plain = yaml.SafeLoader.yaml_constructors[f"tag:yaml.org,2002:{_plain}"]
    _ConfigLoader.add_constructor(_PYTHON + _name, _read_plain)


def _read(path: str) -> bytes:
    try:
        if os.path.isdir(path):
            raise InputError("expected a YAML file, found a folder", path=path)
        with PathManager.open(path, "rb") as file:
            content = file.read(4096)
            if b"\0" in content and not content.startswith(_UTF_16):
                raise InputError("expected YAML text, found binary data", path=path)
            return content + file.read()
    except FileNotFoundError:
        raise InputError("no such config file", path=path, hint="Check the path.") from None
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot be read ({reason})", path=path) from None


def _parse(text: bytes, path: str) -> tuple[dict[str, Any], dict[str, tuple[str, int]]]:
    try:
        loader = _ConfigLoader(text)
        root = loader.get_single_node()
        if root is None:
            raise InputError("expected keys and their values, found an empty file", path=path)
        if not isinstance(root, yaml.MappingNode):
            kind = "a list" if isinstance(root, yaml.SequenceNode) else "a single value"
            raise InputError(f"expected keys and their values, found {kind}", path=path)
        places = {key: (path, line) for key, line in _lines(root)}
        return loader.construct_document(root), places
    except InputError:
        raise
    except yaml.reader.ReaderError:
        raise InputError("expected YAML text, found binary data", path=path) from None
    except yaml.MarkedYAMLError as error:
        raise _yaml_error(error, path) from None
    except RecursionError:
        raise InputError("nested too deeply", path=path) from None
    except ValueError as error:  # what only looks like a date or a number
        raise InputError(f"expected YAML ({error})", path=path) from None


def _lines(root: yaml.MappingNode) -> Iterator[tuple[str, int]]:
    """(key, its line) of every key in a tree of mappings; what is merged in by ``<<`` first.

    Raises:
        ConstructorError: a key twice, one that is no text, or an alias of what it stands in.
    """
    count = 0

    def walk(node: yaml.Node, prefix: str, parents: tuple[yaml.Node, ...]) -> Iterator:
        nonlocal count
        count += 1
        if count > _MOST_VALUES:
            _complain(f"more than {_MOST_VALUES} values", node)
        if any(node is parent for parent in parents):
            _complain("an alias (*) of what it stands in", node)
        parents = (*parents, node)
        if isinstance(node, yaml.SequenceNode):
            for value in node.value:
                for _ in walk(value, prefix, parents):
                    pass  # dicts in lists are values, not keys
        if not isinstance(node, yaml.MappingNode):
            return
        seen: dict[str, int] = {}
        for key, value in sorted(node.value, key=lambda item: not _is_merge(item[0])):
            line = key.start_mark.line + 1
            if _is_merge(key):
                for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    yield from walk(part, prefix, parents)
                continue
            if not isinstance(key, yaml.ScalarNode) or not key.tag.endswith((":str", "/unicode")):
                found = key.value if isinstance(key, yaml.ScalarNode) else "a list or dict"
                _complain(f"expected a key's name, found {found} (in quotes, it is one)", key)
            if key.value in seen:
                _complain(f"{prefix}{key.value} stands in line {seen[key.value]} already", key)
            seen[key.value] = line
            yield prefix + key.value, line
            yield from walk(value, f"{prefix}{key.value}.", parents)

    return walk(root, "", ())


def _is_merge(key: yaml.Node) -> bool:
    return key.tag == "tag:yaml.org,2002:merge"


def _complain(problem: str, node: yaml.Node) -> None:
    raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _yaml_error(error: yaml.MarkedYAMLError, path: str) -> InputError:
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}: " if mark else ""
    hint = None
    if "would run code" in error.problem:
        hint = "Nothing was run. Write out the values that it stands for."
    elif not isinstance(error, yaml.constructor.ConstructorError):
        where += "expected YAML: "
    return InputError(f"{where}{error.problem or error.context}", path=path, hint=hint)


def _read_base(base: Any, path: str, line: int, above: tuple[str, ...]) -> ConfigFile:
    where = f"line {line}: "
    if not isinstance(base, str) or not base:
        problem = f"{where}expected a path or a list of paths, found {base!r}"
        raise InputError(problem, path=path, field=_BASE)
    target = os.path.expanduser(base)
    is_url = target.startswith(("http://", "https://"))
    if not is_url:
        target = os.path.join(os.path.dirname(path), target)
    chain = (*above, path)
    if not is_url and any(_same(target, file) for file in chain):
        problem = f"{where}leads back to itself: {' -> '.join([*chain, target])}"
        raise InputError(problem, path=path, field=_BASE)
    if not is_url and "://" not in target and not os.path.exists(target):
        raise InputError(f"{where}no such file: {target}", path=path, field=_BASE)
    return read_config_file(target, above=chain)


def _same(first: str, second: str) -> bool:
    return os.path.realpath(first) == os.path.realpath(second)


def _merge(new: dict[str, Any], into: dict[str, Any], path: str, prefix: str = "") -> None:
    for key, value in new.items():
        if isinstance(value, dict) and key in into:
            if not isinstance(into[key], dict):
                problem = f"expected a value, as its _BASE_ has {into[key]!r}, found more keys"
                raise InputError(problem, path=path, field=prefix + key)
            _merge(value, into[key], path, f"{prefix}{key}.")
        else:
            into[key] = copy.deepcopy(value)  # an alias may stand for it elsewhere too
