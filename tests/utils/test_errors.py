import pickle

import pytest

from choi_d2.utils import InputError, clean_exit


def test_message_names_file_image_field_problem_and_hint():
    error = InputError(
        "expected 4 numbers", path="a.json", image="b.jpg", field="x[3]", hint="Do y."
    )
    assert str(error) == "a.json, image 'b.jpg', field 'x[3]': expected 4 numbers. Do y."
    assert str(InputError("nothing there")) == "nothing there"


def test_comes_back_whole_from_a_worker_process():
    error = InputError("expected 4 numbers", path="a.json", image=7, field="x", hint="Do y.")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) and vars(copy) == vars(error)


def test_command_lines_end_with_one_line_and_status_2(capsys):
    with pytest.raises(SystemExit) as exit_, clean_exit():
        raise InputError("no such file", path="a.json")
    assert exit_.value.code == 2
    assert capsys.readouterr().err == "error: a.json: no such file\n"


def test_ctrl_c_is_one_line(capsys):
    with pytest.raises(SystemExit) as exit_info, clean_exit():
        raise KeyboardInterrupt
    assert exit_info.value.code == 130
    assert capsys.readouterr().err == "interrupted\n"
