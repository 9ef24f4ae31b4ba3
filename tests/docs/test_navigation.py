"""mkdocs.yml: every page of docs/ has one place in the navigation, and every place a page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def places(entries: list[Any]) -> list[str]:
    """Return the pages that the navigation names."""
    found = []
    for entry in entries:
        for target in entry.values() if isinstance(entry, dict) else [entry]:
            found += [target] if isinstance(target, str) else places(target)
    return found


def title(page: str) -> str:
    heading = re.search(r"^# (.+)$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert heading is not None, f"docs/{page} has no title"
    return heading[1]


PLACES = places(SITE["nav"])
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def test_every_page_has_a_place() -> None:
    """The message has the line that mkdocs.yml lacks."""
    lines = [f"      - {title(page)}: {page}" for page in PAGES if page not in PLACES]
    assert lines == [], "mkdocs.yml: add to nav\n" + "\n".join(lines)


def test_every_place_has_a_page() -> None:
    """And is there once."""
    assert [page for page in PLACES if page not in PAGES] == [], "mkdocs.yml: remove these from nav"
    assert len(PLACES) == len(set(PLACES))


def test_every_page_has_a_door() -> None:
    """README.md leads to each but the site's own first one: that on performance was hard to find."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page for page in PAGES if f"(docs/{page})" not in readme] == ["index.md"]


def test_every_script_is_listed() -> None:
    """On the page for contributors; what a script is made of, in Python or for others to source, is not called by hand."""
    scripts = {path.name for path in (ROOT / "scripts").iterdir() if not path.suffix and not path.name.startswith("_")}
    page = (DOCS / "contributing.md").read_text(encoding="utf-8")
    assert {name for name in scripts if f"`scripts/{name}`" not in page} == {"image-rootfs"}  # of scripts/test-image


def test_warnings_are_errors() -> None:
    """The site's build looks at links, anchors and pages without a place, and loads nothing from elsewhere."""
    assert set(SITE["validation"].values()) == {"warn"}
    assert SITE["theme"]["font"] is False
    assert "--strict" in (ROOT / "scripts/docs").read_text()


def slug(heading: str) -> str:
    """Return the anchor of a heading, as the site and Git hosts make it."""
    plain = re.sub(r"[`*]|\[([^\]]+)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", plain)).strip("-")


@pytest.mark.parametrize("page", ["../README.md", *PAGES])
def test_links_lead_to_pages_and_headings(page: str) -> None:
    """Each link inside the documentation, with its anchor."""
    path = DOCS / page
    text = re.sub(r"^ *```.*?^ *```$|`[^`\n]+`", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        target, _, anchor = link.partition("#")
        if target.startswith(("http://", "https://")):
            continue
        found = (path.parent / target).resolve() if target else path
        assert found.is_file(), f"{page}: {link}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, f"{page}: {link}"
