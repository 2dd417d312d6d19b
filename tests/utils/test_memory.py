import subprocess
import sys

from choi_d2.utils.memory import peak_memory_here

GIB = 2**30
PEAK = "from choi_d2.utils.memory import peak_memory_here; print(peak_memory_here('cpu'))"


def peak_of_a_child(before=""):
    words = [sys.executable, "-c", f"{before}\n{PEAK}"]
    return int(subprocess.run(words, capture_output=True, check=True).stdout)


def test_what_was_given_back_counts():
    assert peak_of_a_child("content = b'x' * 2**30; del content") >= GIB


def test_what_the_process_had_that_started_it_does_not_count():
    content = b"x" * GIB
    assert peak_memory_here("cpu") >= len(content)
    assert peak_of_a_child() < GIB
