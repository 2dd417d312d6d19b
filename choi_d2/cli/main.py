"""``choi``: reads the sub-command, runs it, and turns what may happen into an exit code."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Container, Sequence
from pathlib import Path

from choi_d2 import __version__
from choi_d2.utils import InputError

from .commands import COMMANDS

DONE, PARTS_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

_DESCRIPTION = """\
Human-object interaction recognition: who does what with what in a picture.

  choi predict photo.jpg --output found
  choi train --config-file configs/HOIW/choi_R_50_FPN.yaml
  choi eval hoiw --gt GT.json --pred PRED.json
  choi COMMAND --help
"""
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""What ends a run that was right; a folder that must not be written to is a wrong command line."""

_PATHS = {"DIR", "FILE", "JSON", "MODEL", "ONNX", "PNG", "RUN", "SOURCE", "YAML", "file"}
"""Metavariables that stand for files and folders."""

_EXIT_CODES = """\
exit codes: 0 done; 1 done, but parts of it failed, and they are named; 2 the input or the command
line is wrong; 130 ended by Ctrl-C, what was written is whole
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command.

    Args:
        arguments: words of the command line; by default this process's.

    Returns:
        the exit code: 0, 1 and 2 as the help says, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    names = {command.name for command in COMMANDS}
    # The first word without a dash; only its module is imported.
    chosen = next((word for word in words if not word.startswith("-")), None)
    args = build_parser({chosen} & names).parse_args(words)
    try:
        return args.run(args)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:
        # The reader of our output is gone, as `| head` is; nothing is left to be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PARTS_FAILED
    except OSError as error:
        print(f"error: {_of_the_system(error)}", file=sys.stderr)
        return PARTS_FAILED if error.errno in _OF_THE_DISK else BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def build_parser(whole: Container[str]) -> argparse.ArgumentParser:
    """The command line.

    Args:
        whole: names of the sub-commands whose arguments it has; of the others it has a line each.
    """
    parser = argparse.ArgumentParser(
        prog="choi",
        description=_DESCRIPTION,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"choi_d2 {__version__}")
    parser.add_argument(
        "--print-completion",
        action=_PrintCompletion,
        choices=("bash", "zsh", "tcsh"),
        metavar="SHELL",
        help='completion for bash, zsh or tcsh: eval "$(choi --print-completion bash)"',
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        if command.name not in whole:
            commands.add_parser(command.name, help=command.help, add_help=False)
            continue
        module = command.load()
        inner = commands.add_parser(
            command.name,
            help=command.help,
            description=module.__doc__,
            epilog=_EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        inner.set_defaults(run=module.run)
        module.add_arguments(inner)
    return parser


class _PrintCompletion(argparse.Action):
    """Print a shell's script for the whole command line, and end."""

    def __call__(self, parser, namespace, values, option_string=None):
        import shtab

        every = build_parser({command.name for command in COMMANDS})
        _complete_paths(every, shtab.FILE)
        print(shtab.complete(every, shell=values))
        parser.exit()


def _complete_paths(parser: argparse.ArgumentParser, files: dict) -> None:
    """Let a shell complete the names of files where a file or folder is expected."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                _complete_paths(inner, files)
        elif action.type is Path or action.metavar in _PATHS:
            action.complete = files


def _of_the_system(error: OSError) -> str:
    """A full disk, a folder that must not be written to, ...: what, and where."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"
