"""What is lacking is run, once; what fails stops nothing else."""

import itertools
import threading
import time
from types import SimpleNamespace

import pytest
from fake_runs import calls

from choi_d2.reproduction import process
from choi_d2.reproduction import runner as runner_module
from choi_d2.reproduction.results import TRAINING_FILE, is_evaluated, read_note
from choi_d2.reproduction.runner import Runner
from choi_d2.utils import InputError


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(process, "POLL_SECONDS", 0.02)


@pytest.fixture
def make_runner(fake_root):
    said = []

    def make(**arguments):
        runner = Runner(fake_root, say=said.append, **arguments)
        runner.said = said
        return runner

    return make


@pytest.mark.parametrize("jobs", [1, 3])
def test_everything_is_run_once_and_the_first_phase_first(make_runner, fake_root, table4, jobs):
    assert make_runner(jobs=jobs).run(table4)
    done = calls(fake_root)
    assert len(done) == len(set(done)) == 2 + 12 + 12
    assert all("phase1" in call for call in done[:2])
    assert all(is_evaluated(evaluation) for evaluation in table4.evaluations())
    assert make_runner().run(table4)
    assert len(calls(fake_root)) == 26, "what is done is not done again"


def test_goes_on_where_it_stopped(make_runner, fake_root, table4):
    assert make_runner().run(table4)
    lost = table4.evaluations()[3]
    lost.results_file.write_text('{"results": {"te')
    table4.evaluations()[5].training.weights.unlink()
    table4.evaluations()[5].results_file.unlink()
    assert make_runner().run(table4)
    again = calls(fake_root)[26:]
    assert [call.split()[0] for call in again] == ["evaluate", "train", "evaluate"]


def test_a_failure_is_told_and_the_other_rows_go_on(make_runner, fake_root, table4, monkeypatch):
    broken = table4.evaluations()[1].training
    monkeypatch.setenv("FAIL", f"{broken.folder.parent.name}/seed1")
    runner = make_runner()
    assert not runner.run(table4)
    assert set(runner.failures) == {broken.folder, table4.evaluations()[1].folder}
    assert "exit code 3, loss is not finite" in runner.failures[broken.folder]
    assert sum(is_evaluated(evaluation) for evaluation in table4.evaluations()) == 11
    monkeypatch.delenv("FAIL")
    assert make_runner().run(table4)
    assert len(calls(fake_root)[-2:]) == 2 and is_evaluated(table4.evaluations()[1])


def test_a_first_phase_that_fails_is_not_started_from(make_runner, fake_root, table4, monkeypatch):
    single = table4.first_phases()[0]
    monkeypatch.setenv("FAIL", single.folder.parent.name)
    runner = make_runner()
    assert not runner.run(table4)
    assert sum(is_evaluated(evaluation) for evaluation in table4.evaluations()) == 2
    assert not any("T1" in call and "phase2" in call for call in calls(fake_root))


def test_notes_of_a_training(make_runner, table4):
    runner = make_runner(num_gpus=4)
    runner.run(table4)
    note = read_note(table4.second_phases()[0].folder / TRAINING_FILE)
    assert note["iterations"] == 10 and note["seconds"] >= 0
    assert note["machine"]["cores"] >= 1 and note["machine"]["torch"]
    assert note["command"][2:6] == ["--num-gpus", "4", "--dist-url", "auto"]
    assert note["date"].startswith("20")


def test_seconds_of_earlier_attempts_count(make_runner, table4, monkeypatch):
    tenths = itertools.count(step=0.1)
    monkeypatch.setattr(runner_module, "time", SimpleNamespace(monotonic=lambda: next(tenths)))
    training = table4.second_phases()[0]
    training.folder.mkdir(parents=True)
    (training.folder / TRAINING_FILE).write_text('{"seconds": 1000.0}')
    make_runner().run(table4)
    assert 1000 < read_note(training.folder / TRAINING_FILE)["seconds"] < 1100


def test_a_run_with_other_settings_is_not_taken(make_runner, table4):
    training = table4.second_phases()[0]
    training.folder.mkdir(parents=True)
    cfg = training.cfg.clone()
    cfg.SOLVER.MAX_ITER = 77
    (training.folder / "config.yaml").write_text(cfg.dump())
    training.weights.write_text("weights")
    runner = make_runner()
    assert not runner.run(table4)
    assert "SOLVER.MAX_ITER was 77, is 17363" in runner.failures[training.folder]
    (training.folder / "config.yaml").write_text(training.cfg.dump())
    assert make_runner().run(table4)


def test_another_process_in_the_folder_is_waited_for(make_runner, table4):
    runner = make_runner()
    folder = table4.first_phases()[0].folder
    other = process.Processes({})
    with other.locked(folder, lambda: None):
        thread = threading.Thread(target=runner.run, args=(table4,))
        thread.start()
        deadline = time.monotonic() + 60
        while not any("waiting" in line for line in runner.said) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not table4.first_phases()[0].weights.exists()
    thread.join()
    assert any("waiting" in line for line in runner.said) and not runner.failures


def test_an_interruption_ends_the_runs(make_runner, fake_root, table4, monkeypatch):
    (fake_root / "train_net.py").write_text("import time\ntime.sleep(600)\n")
    runner = make_runner(jobs=2)

    def interrupt(futures):
        deadline = time.monotonic() + 60
        while len(runner.processes._running) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        running.extend(runner.processes._running)
        raise KeyboardInterrupt

    running = []
    monkeypatch.setattr(runner_module, "as_completed", interrupt)
    with pytest.raises(KeyboardInterrupt):
        runner.run(table4)
    assert len(running) == 2 and all(run.poll() is not None for run in running)
    assert not runner.failures


def test_after_every_training_somebody_is_told(make_runner, table4):
    told = []
    make_runner(after=lambda: told.append(1)).run(table4)
    assert len(told) == 12


def test_threads_are_shared_between_jobs(fake_root, monkeypatch):
    monkeypatch.setattr(runner_module, "cores", lambda: 7)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert Runner(fake_root, 3).processes.environment["OMP_NUM_THREADS"] == "2"
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert Runner(fake_root, 3).processes.environment["OMP_NUM_THREADS"] == "5"
    with pytest.raises(InputError, match="--jobs"):
        Runner(fake_root, 0)
