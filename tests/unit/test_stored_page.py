"""docs/stored.md names every collection and folder, with what ends it."""

import re
from pathlib import Path

import pytest

from storage.engine.indexes import INDEXES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "stored.md").read_text()
ROWS = dict(re.findall(r"^\| `([^`]+)`[^|]* \| [^|]+ \| ([^|]+) \|$", PAGE, flags=re.MULTILINE))
SOURCES = [
    path.read_text()
    for room in ("bot", "storage", "handlers")
    for path in (ROOT / room).rglob("*.py")
]


def in_code(pattern: str) -> set[str]:
    return {found for source in SOURCES for found in re.findall(pattern, source)}


def test_every_collection_is_on_the_page():
    used = in_code(r"""database\[["']([\w.]+)["']\]""") | in_code(
        r"""\.get_collection\(["']([\w.]+)"""
    )
    on_page = {name for name in ROWS if re.fullmatch(r"[a-z_.]+", name)}
    assert set(INDEXES) | used == on_page - {"database"}


def test_every_folder_is_on_the_page():
    made = in_code(r"""prefix=f?["']([\w.-]+-)["']""") | in_code(
        r"""_(?:FOLDER|PREFIX): Final = ["']([a-z-]+-)["']"""
    )
    assert "upload-" in made
    assert {name.rstrip("*") for name in ROWS if name.endswith("*")} >= made


@pytest.mark.parametrize("collection", INDEXES)
def test_what_the_database_ends_is_said_to_end(collection: str):
    ends = [one for one in INDEXES[collection] if "expireAfterSeconds" in one.document]
    assert bool(ends) is ("TTL" in ROWS[collection])
