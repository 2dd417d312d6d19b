import subprocess

from choi_d2.utils.commit import git_commit


def test_commit_and_changes(tmp_path):
    assert git_commit(tmp_path) is None
    run = ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*run, "init", "--quiet"], check=True)
    assert git_commit(tmp_path) is None
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("1")
    subprocess.run([*run, "add", "."], check=True)
    subprocess.run([*run, "commit", "--quiet", "-m", "a"], check=True)
    commit = git_commit(tmp_path)
    assert len(commit) == 12
    (tmp_path / "sub" / "a.txt").write_text("2")
    assert git_commit(tmp_path) == commit + "+"
    # An environment inside of somebody's repository.
    assert git_commit(tmp_path / "sub") is None
