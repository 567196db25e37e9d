"""The page docs/architecture.md names only what is in the tree, and draws every room."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests import long_tests

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TREES = ("bot", "handlers", "storage", "erp")
_FENCE = re.compile(r"^```$(.*?)^```$", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?:[\w.*-]|\{[\w,]+\})+(?:/(?:[\w.*-]|\{[\w,]+\})+)*")
_FILE_ENDINGS = (".py", ".md", ".toml")
_MODULE = re.compile(r"(?P<module>(?:bot|handlers|storage|erp)(?:\.\w+)+)(?::(?P<name>\w+))?")
_TYPE = re.compile(r"[A-Z]\w*[a-z]\w*(?:\.\w+)?")
_HOP = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)

DRAWING = "\n".join(_FENCE.findall(PAGE))
QUOTED = sorted(set(_QUOTED.findall(_FENCE.sub("", PAGE))))


def _is_path(text: str) -> bool:
    """Return True if the quoted text names a place of the tree."""
    top = text.split("/")[0]
    known = {"docs", "tests", *TREES}
    return bool(_PATH.fullmatch(text)) and (
        text.endswith(_FILE_ENDINGS) or ("/" in text and not text.startswith("/")) or top in known
    )


def _expanded(path: str) -> list[str]:
    """Return the paths that the braces expand to."""
    braces = re.search(r"\{([\w,]+)\}", path)
    if braces is None:
        return [path]
    before, after = path[: braces.start()], path[braces.end() :]
    return [one for part in braces[1].split(",") for one in _expanded(f"{before}{part}{after}")]


def _missing(path: str) -> list[str]:
    return [one for one in _expanded(path) if not any(ROOT.glob(one))]


def _targets(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.AnnAssign):
        return {node.target.id} if isinstance(node.target, ast.Name) else set()
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return set()


@cache
def _defined(path: Path) -> frozenset[str]:
    """Return the names that a file defines: `name`, and `Class.name` for what a class holds."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        found |= _targets(node)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{name}" for member in node.body for name in _targets(member)}
    return frozenset(found)


@cache
def _all_names() -> frozenset[str]:
    """Return what all files define, and the names that they import from libraries."""
    found: set[str] = set()
    for path in _python_files():
        found |= _defined(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] not in TREES:
                found |= {alias.name for alias in node.names}
    return frozenset(found)


def _python_files() -> list[Path]:
    return [path for tree in TREES for path in sorted((ROOT / tree).rglob("*.py"))]


def _rooms() -> list[str]:
    return sorted({path.parent.relative_to(ROOT).as_posix() for path in _python_files()})


PATHS = [text for text in QUOTED if _is_path(text)]
PLACES = [text for text in QUOTED if "::" in text]
MODULES = [text for text in QUOTED if _MODULE.fullmatch(text) and not _is_path(text)]
TYPES = [text for text in QUOTED if _TYPE.fullmatch(text) and not _is_path(text)]
# A drawn place begins at the edge of a word: "bot/cli" is no part of "bot/cli/terminal".
DRAWN = sorted(set(re.findall(rf"(?<![\w/.])(?:{'|'.join(TREES)})(?:/\w+)*(?![\w/.])", DRAWING)))


@pytest.mark.parametrize("path", PATHS)
def test_every_file_and_folder_it_names_is_there(path: str) -> None:
    assert _missing(path) == []


@pytest.mark.parametrize("place", PLACES)
def test_every_name_is_defined_in_the_file_it_is_said_to_be_in(place: str) -> None:
    file, name = place.split("::")
    assert (ROOT / file).is_file()
    assert name in _defined(ROOT / file)


@pytest.mark.parametrize("text", MODULES)
def test_every_module_is_there_with_its_name(text: str) -> None:
    found = _MODULE.fullmatch(text)
    assert found
    place = ROOT.joinpath(*found["module"].split("."))
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    assert file.is_file()
    assert found["name"] is None or found["name"] in _defined(file)


@pytest.mark.parametrize("name", TYPES)
def test_every_type_it_names_is_one_of_ours_or_of_a_library(name: str) -> None:
    assert name in _all_names()


@pytest.mark.parametrize("room", _rooms())
def test_the_drawing_shows_every_room(room: str) -> None:
    assert room in DRAWN


@pytest.mark.parametrize("place", DRAWN)
def test_the_drawing_shows_no_room_that_is_gone(place: str) -> None:
    assert place in _rooms()


@pytest.mark.parametrize("walk", ["Walk 1", "Walk 2"])
def test_each_hop_of_a_walk_says_where_it_is(walk: str) -> None:
    [section] = re.findall(rf"^## {walk}(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    hops = _HOP.findall(section)
    assert [int(number) for number, *_ in hops] == list(range(1, len(hops) + 1))
    assert len(hops) >= 10
    for _, where, *_ in hops:
        quoted = _QUOTED.findall(where)
        assert quoted[0] in PLACES
        files = {text.split("::")[0] for text in quoted if text in PLACES}
        defined = frozenset[str]().union(*(_defined(ROOT / file) for file in files))
        assert {text for text in quoted if text not in PLACES} <= defined


def test_the_page_names_every_folder_of_tests() -> None:
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert {f"tests/{folder}" for folder in folders} <= set(PATHS)


def test_every_long_test_is_there() -> None:
    assert [path for path in long_tests.MODULES if not path.is_file()] == []


def test_the_readme_links_to_the_page() -> None:
    assert "](docs/architecture.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("call", "places"),
    [
        ("AsyncIOMotorClient(", {"connection.py"}),
        ("start_transaction(", {"transactions.py"}),
        ("ReadConcern(", {"repeating.py"}),
        ("WriteConcern(", set()),
        ("ReadPreference", set()),
    ],
)
def test_what_is_asked_of_mongodb_stands_in_one_place(call: str, places: set[str]) -> None:
    found = {path.name for path in (ROOT / "storage").rglob("*.py") if call in path.read_text()}
    assert found == places
