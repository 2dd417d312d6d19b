"""When make install works, and when it has nothing to do."""

import json

import pytest


@pytest.fixture
def installer(program, monkeypatch, tmp_path):
    """The program, with a root and an environment of its own, whose steps are only recorded."""
    module = program("install")
    root = tmp_path / "root"
    (root / "packaging").mkdir(parents=True)
    for name in ("setup.cfg", "pyproject.toml", "LICENSE", "constraints.txt", "packaging/a.py"):
        (root / name).write_text(name)
    monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setattr(module, "STAMP", tmp_path / "stamp.json")
    monkeypatch.setattr(module, "is_present", lambda: True)
    return module


@pytest.fixture
def make(installer, monkeypatch):
    """Run it with a command line; what it installs, or None where it has nothing to do."""

    def make(*arguments):
        steps = []
        monkeypatch.setattr(
            installer,
            "install",
            lambda choices, asked_for_detectron2: steps.append((choices, asked_for_detectron2)),
        )
        monkeypatch.setattr(installer.sys, "argv", ["install.py", *arguments])
        installer.main()
        return steps[0] if steps else None

    return make


def test_the_second_time_there_is_nothing_to_do(make):
    choices = {"extras": "dev,faces,track", "constraints": "constraints.txt", "detectron2": ""}
    assert make() == (choices, False)
    assert make() is None


@pytest.mark.parametrize("name", ["setup.cfg", "constraints.txt", "packaging/a.py"])
def test_a_changed_input_is_installed_again(installer, make, name):
    make()
    (installer.ROOT / name).write_text("changed")
    assert make() is not None
    assert make() is None


def test_touching_a_file_changes_nothing(installer, make):
    make()
    (installer.ROOT / "setup.cfg").touch()
    assert make() is None


def test_a_half_finished_installation_is_done_again(installer, make, monkeypatch):
    def fail(*_, **__):
        raise installer.InstallError("pip failed")

    with monkeypatch.context() as patch:
        patch.setattr(installer, "install", fail)
        patch.setattr(installer.sys, "argv", ["install.py"])
        with pytest.raises(installer.InstallError):
            installer.main()
    assert make() is not None


def test_a_stamp_cut_short_is_no_stamp(installer, make):
    make()
    installer.STAMP.write_text(installer.STAMP.read_text()[:20])
    assert make() is not None


def test_what_was_uninstalled_is_installed_again(installer, make, monkeypatch):
    make()
    monkeypatch.setattr(installer, "is_present", lambda: False)
    assert make() is not None


def test_another_clone_installs_itself(installer, make, monkeypatch):
    make()
    moved = installer.ROOT.rename(installer.ROOT.with_name("other"))
    monkeypatch.setattr(installer, "ROOT", moved)
    assert make() is not None


def test_choices_are_remembered_until_others_are_given(installer, make):
    choices, _ = make("--constraints", "", "--extras", "dev")
    assert (choices["constraints"], choices["extras"]) == ("", "dev")
    assert make() is None
    (installer.ROOT / "setup.cfg").write_text("changed")
    assert make()[0] == choices
    assert make("--constraints", "constraints.txt")[0]["constraints"] == "constraints.txt"


def test_a_remembered_detectron2_is_not_asked_for_again(installer, make):
    assert make("--detectron2", "git+https://example.org/d2")[1] is True
    assert make() is None
    (installer.ROOT / "setup.cfg").write_text("changed")
    choices, asked = make()
    assert choices["detectron2"] == "git+https://example.org/d2" and asked is False
    assert json.loads(installer.STAMP.read_text())["choices"] == choices


def test_constraints_that_are_not_there_are_an_error(installer, make):
    with pytest.raises(installer.InstallError, match=r"nowhere\.txt: no such file"):
        make("--constraints", "nowhere.txt")


class TestSteps:
    """The real steps, with pip's command lines recorded."""

    @pytest.fixture
    def steps(self, installer, monkeypatch):
        calls = []
        monkeypatch.setattr(installer, "ensure_pip", lambda: None)
        monkeypatch.setattr(installer, "pip", lambda *arguments: calls.append(arguments))
        monkeypatch.setattr(installer, "install_if_missing", lambda: calls.append("copy"))
        monkeypatch.setattr(installer, "importable", lambda: "/somewhere")
        monkeypatch.setattr(installer, "installed_version", lambda: "0.6")
        monkeypatch.setattr(
            installer.subprocess, "run", lambda command, **_: type("Done", (), {"returncode": 0})
        )

        def steps(detectron2="", asked=False, extras="dev"):
            calls.clear()
            choices = {"extras": extras, "constraints": "constraints.txt", "detectron2": detectron2}
            installer.install(choices, asked)
            return list(calls)

        return steps

    def test_the_package_comes_first_then_the_copy(self, steps):
        package = ("install", "--editable", ".[dev]", "--constraint", "constraints.txt")
        first, second = steps()
        assert first[: len(package)] == package and second == "copy"

    def test_a_requirement_takes_the_place_of_the_copy(self, steps):
        calls = steps(detectron2="./d2.whl", asked=True)
        assert calls[1][:2] == ("install", "./d2.whl")
        assert "--no-build-isolation" in calls[1] and "copy" not in calls

    def test_a_remembered_requirement_leaves_what_is_there(self, steps):
        assert steps(detectron2="./d2.whl")[1:] == ["copy"]

    def test_packages_that_cannot_be_imported_are_an_error(self, steps, installer, monkeypatch):
        monkeypatch.setattr(
            installer.subprocess, "run", lambda command, **_: type("Done", (), {"returncode": 1})
        )
        with pytest.raises(installer.InstallError, match="cannot be imported"):
            steps()

    def test_a_face_detector_that_cannot_be_had_is_no_error(
        self, steps, installer, monkeypatch, capsys
    ):
        commands = []

        def run(command, **_):
            commands.append(command)
            return type("Done", (), {"returncode": int("--fetch-faces" in command)})

        monkeypatch.setattr(installer.subprocess, "run", run)
        steps(extras="dev,faces")
        assert commands[-1][-2:] == ["models", "--fetch-faces"]
        assert "choi models --fetch-faces" in capsys.readouterr().out
        commands.clear()
        steps(extras="dev")
        assert not any("--fetch-faces" in command for command in commands)
