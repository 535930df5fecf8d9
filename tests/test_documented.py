"""Every public name stands, as code, in a page of the documentation and in the changelog."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PARTS = ("data", "data.streaming", "diagnostics", "export", "interop", "layers", "losses", "metrics")
MODULES = ["jaxnn", *(f"jaxnn.{part}" for part in (*PARTS, "models", "plots", "schedules", "search", "tasks", "writers"))]
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def named(*pages: Path) -> set[str]:
    """The words in code, in blocks or between backticks."""
    return {word for page in pages for code in CODE.findall(page.read_text("utf-8")) for word in re.findall(r"\w+", code)}


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_in_the_documentation(module):
    assert set(importlib.import_module(module).__all__) - named(*PAGES) == set()


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_in_the_changelog(module):
    assert set(importlib.import_module(module).__all__) - named(ROOT / "CHANGELOG.md") == set()


def test_every_page_is_in_the_table_of_pages():
    linked = re.findall(r"\]\(([\w/.-]+\.md)\)", (ROOT / "docs" / "README.md").read_text("utf-8"))
    assert {page.relative_to(ROOT / "docs").as_posix() for page in PAGES[1:]} - {"README.md"} == set(linked)
