"""Every link in the documents leads somewhere, and every path that they name is there."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path
    for folder in (".", "docs", "datasets", "configs", "demo")
    for path in (ROOT / folder).glob("*.md")
)
ROOMS = "choi_d2|configs|datasets|demo|docs|packaging|tests"


def without_blocks(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchor(heading):
    """As GitHub makes it of a heading."""
    words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", words.replace("`", "")).replace(" ", "-")


def anchors(path):
    headings = re.findall(r"^#+ (.*)$", without_blocks(path.read_text("utf-8")), re.MULTILINE)
    return {anchor(heading) for heading in headings}


def links(path):
    found = re.findall(r"\]\(([^)\s]+)\)", without_blocks(path.read_text("utf-8")))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(path):
    for link in links(path):
        name, _, place = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not place or place in anchors(target), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_in_backquotes_are_there(path):
    text = without_blocks(path.read_text("utf-8"))
    for name in re.findall(rf"`((?:{ROOMS})/[\w./-]*\w\.(?:py|yaml|md|json|txt))`", text):
        if not name.startswith("datasets/faces/"):
            assert (ROOT / name).exists(), name


def test_every_document_is_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path not in reached and path.suffix == ".md" and path.is_file():
            reached.add(path)
            waiting += [(path.parent / link.partition("#")[0]).resolve() for link in links(path)]
    assert set(DOCUMENTS) <= reached


def test_pictures_of_the_documents_are_shown():
    tracked = subprocess.run(
        ["git", "ls-files", "docs"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    if not tracked:
        pytest.skip("no git repository")
    shown = {
        str((path.parent / link).resolve().relative_to(ROOT))
        for path in DOCUMENTS
        for link in links(path)
        if link.endswith((".png", ".jpg"))
    }
    pictures = {name for name in tracked if name.endswith((".png", ".jpg"))}
    # What pictures are made from is shown as these.
    pictures = {name for name in pictures if "/sources/" not in name}
    assert pictures <= shown


def test_every_room_is_in_the_table_of_rooms():
    table = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rooms = [path.parent for path in (ROOT / "choi_d2").glob("*/__init__.py")]
    assert len(rooms) > 10
    for room in rooms:
        assert f"| `choi_d2/{room.name}/` |" in table, room.name
