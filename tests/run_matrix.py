"""Run all tests on this machine as six kinds of machine would: instructions by threads.

python tests/run_matrix.py [pytest's arguments]

One run after the other; each has its log, and its results as XML, in output/test-matrix. A table
comes at the end; the exit status is 1 where a run failed.
"""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "output" / "test-matrix"
# ATEN_CPU_CAPABILITY; None: unset, all that the processor has.
CAPABILITIES = (None, "avx2", "default")
THREADS = (1, 2)
ROW = "{:<13} {:>7} {:>7} {:>7} {:>8} {:>7}"


def main(arguments):
    """Run all; returns the exit status."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    rows, failed = [], False
    for capability in CAPABILITIES:
        for threads in THREADS:
            name = f"{capability or 'unset'}-{threads}"
            print(f"{name}: {OUTPUT / name}.log", flush=True)
            started = time.monotonic()
            status = run(name, environment(capability, threads), arguments)
            counts = read_counts(OUTPUT / f"{name}.xml")
            rows.append((name, *counts, round(time.monotonic() - started), status))
            failed |= status != 0
    print(ROW.format("instructions", "passed", "failed", "skipped", "seconds", "status"))
    for row in rows:
        print(ROW.format(*row))
    return int(failed)


def environment(capability, threads):
    """Of a run: this process's, with the two variables that make the difference."""
    variables = {key: x for key, x in os.environ.items() if key != "ATEN_CPU_CAPABILITY"}
    variables["OMP_NUM_THREADS"] = str(threads)
    if capability is not None:
        variables["ATEN_CPU_CAPABILITY"] = capability
    return variables


def run(name, variables, arguments):
    """Run pytest; returns its exit status."""
    results = OUTPUT / f"{name}.xml"
    results.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", f"--junitxml={results}", *arguments]
    with open(OUTPUT / f"{name}.log", "w") as log:
        return subprocess.run(
            command, cwd=ROOT, env=variables, stdout=log, stderr=subprocess.STDOUT
        ).returncode


def read_counts(results):
    """(passed, failed, skipped) of a JUnit file; "-" where a run ended before it wrote one."""
    if not results.is_file():
        return "-", "-", "-"
    suite = ElementTree.parse(results).getroot().find("testsuite")
    tests, failures, errors, skipped = (
        int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")
    )
    return tests - failures - errors - skipped, failures + errors, skipped


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
