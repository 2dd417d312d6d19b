#!/usr/bin/env python
"""Run the documents' commands, made short, in a scratch folder with small files.

    python docs/check_commands.py
    python docs/check_commands.py docs/training.md README.md
    python docs/check_commands.py --list

Every document has a folder of its own, with drawn scenes in the place of photos and a model of two
iterations. What needs GPUs, a real data set or a download is only parsed
(tests/cli/test_documents.py), and listed with its reason. The exit code is 1 if a command fails.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
from checking.blocks import Command, commands, documents
from checking.rules import judge
from checking.running import run
from checking.scratch import MODELS, add_model, make_scratch, train_model

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Check; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("documents", nargs="*", type=Path, metavar="FILE", help="default: all")
    parser.add_argument("--list", action="store_true", help="run nothing")
    args = parser.parse_args()
    paths = [path.resolve() for path in args.documents] or documents(ROOT)
    found = {path: commands(path, ROOT) for path in paths}
    if args.list:
        for command in sum(found.values(), []):
            verdict = judge(command)
            _tell("run" if verdict.text else "parse", command, verdict.remark)
        return 0
    # Before processes are forked: threads would stay behind.
    cv2.setNumThreads(1)
    import choi_d2.engine
    import choi_d2.inference  # noqa: F401 (once for all of them)

    failed = 0
    with tempfile.TemporaryDirectory(prefix="choi_d2_documents_") as name:
        model = Path(name, "model.pth")
        for number, (path, of_document) in enumerate(found.items()):
            folder = Path(name, f"{number}_{path.stem}")
            folder.mkdir()
            failed += _check(of_document, folder, model)
            shutil.rmtree(folder)
    print(f"{failed} command(s) failed" if failed else "All of them ran.")
    return 1 if failed else 0


def _check(of_document: list[Command], folder: Path, model: Path) -> int:
    """Run a document's commands; how many failed?"""
    verdicts = {command: judge(command) for command in of_document}
    texts = " ".join(verdict.text for verdict in verdicts.values())
    if texts:
        make_scratch(folder, ROOT)
        if any(name in texts for name in (*MODELS, "output/my")):
            if not model.is_file():
                train_model(folder).rename(model)
                shutil.rmtree(folder / "trained")
            add_model(folder, model)
    failed, log = 0, folder / "log.txt"
    for command, verdict in verdicts.items():
        if not verdict.text:
            _tell("parsed", command, verdict.remark)
            continue
        started = time.monotonic()
        code = run(verdict.text, command.language, log)
        remark = ", ".join(filter(None, (verdict.remark, f"{time.monotonic() - started:.0f} s")))
        _tell("ran" if code == 0 else "FAILED", command, remark)
        if code:
            failed += 1
            print(f"exit code {code}: {verdict.text}\n{log.read_text(errors='replace')[-3000:]}")
    return failed


def _tell(what: str, command: Command, remark: str) -> None:
    first = command.text.strip().splitlines()[0]
    place = f"{command.document}:{command.line}"
    shown = first if command.language == "sh" else f"Python: {first} ..."
    print(f"{what:7} {place:30} {shown}{f'   ({remark})' if remark else ''}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
