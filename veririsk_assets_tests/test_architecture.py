"""Rules that a tool cannot hold: sizes, empty package files, generated documents, nothing of a machine in the repository."""

import ast
import re
import subprocess
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from veririsk_assets.pipeline.documents import stale
from veririsk_assets.settings import REPOSITORY_ROOT

ROOM = REPOSITORY_ROOT / "veririsk_assets"
PACKAGE = sorted(ROOM.rglob("*.py"))
MAX_FILE_LINES = 250
MAX_FUNCTION_LINES = 40
BANNED_NAMES = {"utils", "helpers", "common", "base", "manager"}


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: str(path.relative_to(REPOSITORY_ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_FILE_LINES
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = {f.name: f.end_lineno - f.lineno + 1 for f in functions if f.end_lineno - f.lineno + 1 > MAX_FUNCTION_LINES}  # type: ignore[operator]
    assert not long
    assert path.stem not in BANNED_NAMES
    if path.name == "__init__.py":
        assert not text


def test_no_folder_imports_in_a_circle_not_even_within_a_function() -> None:
    imports: dict[str, set[str]] = {}
    for path in PACKAGE:
        folder = path.relative_to(ROOM).parts[0]
        imported = [node.module or "" for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        rooms = {name.split(".")[1] for name in imported if name.startswith("veririsk_assets.")}
        imports.setdefault(folder, set()).update(rooms - {folder, "definitions"})
    with pytest.raises(CycleError):
        TopologicalSorter(imports | {"contracts": {"pipeline"}}).prepare()
    TopologicalSorter(imports).prepare()


def test_every_room_stands_on_a_floor_and_nowhere_twice() -> None:
    floors = tomllib.loads((REPOSITORY_ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    named = [name.strip().removeprefix("veririsk_assets.") for floor in floors for name in floor.split(":")]
    assert sorted(named) == sorted({path.relative_to(ROOM).parts[0].removesuffix(".py") for path in PACKAGE} - {"__init__"})


def test_generated_documents_say_what_the_code_says() -> None:
    assert stale() == []


def test_the_lock_has_hashes_and_no_host() -> None:
    lock = (REPOSITORY_ROOT / "requirements.lock").read_text()
    assert lock.count("--hash=sha256:") > lock.count("==")
    assert not re.search(r"https?://|--index-url|--find-links", lock)


def test_every_direct_dependency_has_its_reason_beside_it() -> None:
    lines = (REPOSITORY_ROOT / "pyproject.toml").read_text().splitlines()
    start, stop = lines.index("dependencies = ["), lines.index("[project.optional-dependencies]")
    assert lines[start + 1].strip().startswith("#")
    assert sum(line.strip().startswith("#") for line in lines[start:stop]) >= 8


def test_nothing_large_or_binary_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY_ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        path = REPOSITORY_ROOT / name
        if path.exists() and path.suffix != ".lock":
            assert path.stat().st_size < 400_000, name
            assert b"\0" not in path.read_bytes(), name
