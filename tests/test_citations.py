"""Every source that the code cites is one that a reader has: a document in docs/, an operation, a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FILES = sorted(
    path
    for pattern in ("kms_mock/**/*.py", "scripts/*", "tests/**/*.py", "fixtures/schema.json")
    for path in ROOT.glob(pattern)
    if path.is_file() and path != Path(__file__) and "__pycache__" not in path.parts
)
OPERATIONS: dict[str, dict[str, dict[str, object]]] = msgspec.json.decode(
    (ROOT / "tests/data/operations.json").read_bytes()
)

# `behaviour.md 7`, `behaviour.md 7 and 9`, `behaviour.md 7, 9-11`, `clients.md 2.17-2.24`, `clients.md 4.7b`.
_NUMBER = r"\d+(?:\.\d+[a-z]?)?"
_RANGE = rf"{_NUMBER}(?:-{_NUMBER})?"
_DOCUMENT = re.compile(rf"\b([a-z]+)\.md(?: ({_RANGE}(?:(?:, | and ){_RANGE})*))?(?![\w/])")
# `api-docs CreateKey`, `api-docs GetKeyPolicy, SetSecretPolicy`, `api-docs CreateSecret, ExtendedConfig`.
_OPERATION = re.compile(r"\bapi-docs ((?:[A-Z]\w+)(?:(?:, | and )[A-Z]\w+)*)")
_HELP_PAGE = re.compile(r'\bhelp pages? (?:of )?(?:"([^"]+)"|([A-Z][a-z]\w+))(?: and (?:"([^"]+)"|([A-Z][a-z]\w+)))?')
_MODULE = re.compile(r"(?<![\w/.-])((?:[a-z_]+/)+[a-z_]+\.py)\b")
# A test that opens with numbers of a section that its module's docstring cites: `"""10, 20: terraform reads ...`.
_BARE = re.compile(r'^ *r?"""(\d+(?:, \d+)*)[:,] ', re.MULTILINE)
# Names of documents that only the project's authors had.
_OLD = re.compile(r"\bDESIGN\b|\breference/\w+|\b(?:lessons|seen|reach)\.md|\bapi docs\b|\.md sections? \d")


class Citation(NamedTuple):
    """One mention of a numbered place in a document."""

    place: str
    document: str
    number: str


def lines_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each line with its place, joined with the next one, as a citation may be wrapped."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, (line, following) in enumerate(zip_longest(lines, lines[1:], fillvalue=""), start=1):
        rest = following.strip().removeprefix("# ")
        yield f"{path.relative_to(ROOT)}:{number}", f"{line} {rest}" if rest else line


@cache
def places(document: str) -> frozenset[str]:
    """Return the numbers of a document: its headings `## 7.` and `### 4.1`, and `2.13` for item or row 13 of section 2."""
    found: set[str] = set()
    section = ""
    for line in (DOCS / f"{document}.md").read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"##+ (\d+(?:\.\d+[a-z]?)?)\.? ", line):
            found.add(heading[1])
            section = heading[1].partition(".")[0]
        elif item := re.match(r"(?:\| )?(\d+[a-z]?)(?:\. | \| )", line):
            found.add(f"{section}.{item[1]}")
    return frozenset(found)


def expand(numbers: str) -> Iterator[str]:
    """Yield each number of `7 and 9-11`; a range is its ends and what lies between."""
    for part in re.split(r", | and ", numbers):
        first, _, last = part.partition("-")
        if not last:
            yield first
            continue
        section, dot, low = first.rpartition(".")
        high = last.rpartition(".")[2]
        yield from (f"{section}{dot}{number}" for number in range(int(low), int(high) + 1))


def citations(text: str, place: str) -> Iterator[Citation]:
    """Yield the numbered places that a text cites."""
    for found in _DOCUMENT.finditer(text):
        for number in expand(found[2]) if found[2] else ():
            yield Citation(place, found[1], number)


def unresolved(found: Iterator[Citation]) -> list[str]:
    """Return the citations that lead nowhere."""
    wrong = []
    for place, document, number in found:
        if not (DOCS / f"{document}.md").is_file():
            wrong.append(f"{place}: there is no docs/{document}.md")
        elif number not in places(document):
            wrong.append(f"{place}: docs/{document}.md has no {number}")
    return wrong


def test_every_citation_of_a_document_leads_to_a_place_in_it() -> None:
    """`behaviour.md 7` is a heading, `clients.md 2.13` a numbered item or row; in the package, the tests, the scripts."""
    found = [citation for path in FILES for place, text in lines_of(path) for citation in citations(text, place)]
    assert len(set(found)) > 100
    assert unresolved(iter(found)) == []


def test_every_cited_document_exists() -> None:
    """A document that is named without a number is in docs/, or README.md or CHANGELOG.md."""
    wrong = [
        f"{place}: {found[0]}"
        for path in FILES
        for place, text in lines_of(path)
        for found in re.finditer(r"(?<![\w*{/.-])(?:docs/)?([A-Za-z-]+\.md)\b", text)
        if not any((folder / found[1]).is_file() for folder in (DOCS, ROOT))
    ]
    assert wrong == []


def test_numbers_alone_are_of_a_section_that_the_module_cites() -> None:
    """A docstring such as `10, 20: terraform reads ...` cites a section that its module's docstring names."""
    wrong, checked = [], 0
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        docstring = text.split('"""')[1] if text.startswith('"""') else ""
        cited = {(found.document, found.number.partition(".")[0]) for found in citations(docstring, "")}
        for number in re.findall(r"\d+", " ".join(_BARE.findall(text))) if cited else ():
            checked += 1
            if not any(f"{section}.{number}" in places(document) for document, section in cited):
                wrong.append(f"{path.relative_to(ROOT)}: {number}")
    assert checked > 20
    assert wrong == []


def test_every_cited_operation_exists() -> None:
    """`api-docs X` names an operation; further names are operations or parameters of the first."""
    wrong = []
    for path in FILES:
        for place, text in lines_of(path):
            for found in _OPERATION.finditer(text):
                first, *others = re.split(r", | and ", found[1])
                known = {*OPERATIONS, *OPERATIONS.get(first, {}).get("parameters", {})}
                wrong += [f"{place}: {name}" for name in (first, *others) if name not in known]
                wrong += [f"{place}: {first}"] if first not in OPERATIONS else []
    assert wrong == []


def test_every_cited_help_page_is_in_the_sources() -> None:
    """A help page is that of an operation, or is named in behaviour.md 23."""
    sources = (DOCS / "behaviour.md").read_text(encoding="utf-8").partition("## 23. Sources")[2]
    names = [
        (place, name)
        for path in FILES
        for place, text in lines_of(path)
        for found in _HELP_PAGE.findall(text)
        for name in found
        if name
    ]
    assert names
    assert [f"{place}: {name}" for place, name in names if name not in OPERATIONS and f'"{name}"' not in sources] == []


@pytest.mark.parametrize("kind", ["api-docs", "help page", "SDK", "terraform-provider-alicloud", "seen"])
def test_every_kind_of_source_is_described(kind: str) -> None:
    """behaviour.md 23 has a row for each kind of source that the code names, and says how sure it is."""
    text = (DOCS / "behaviour.md").read_text(encoding="utf-8").partition("## 23. Sources")[2]
    row = next(line for line in text.splitlines() if line.startswith(f"| {kind}"))
    assert re.search(r"documented|seen|inferred", row.rsplit("|", 2)[1])


def test_every_cited_module_exists() -> None:
    """A path such as `kms/model/access.py` is a file of the repository, counted from its top or from kms_mock/."""
    wrong = [
        f"{place}: {name}"
        for path in FILES
        if path.suffix == ".py"
        for place, text in lines_of(path)
        for name in _MODULE.findall(text)
        if "#" in text or '"""' in text or "`" in text
        if not any((folder / name).is_file() for folder in (ROOT, ROOT / "kms_mock"))
    ]
    assert wrong == []


def test_no_citation_names_a_document_that_a_reader_does_not_have() -> None:
    """The notes that the documents were written from are not in the repository, so nothing cites them."""
    wrong = [
        f"{place}: {found[0]}"
        for path in FILES
        for place, text in lines_of(path)
        for found in _OLD.finditer(text)
        if path.name != "reference_data.py"  # the script that makes tests/data from those notes
    ]
    assert wrong == []


def test_documents_cite_places_that_exist() -> None:
    """The documents' own references, `design.md 6` or `section 23`, resolve too."""
    pages = sorted(DOCS.glob("*.md"))
    found = [
        citation
        for page in pages
        for place, text in lines_of(page)
        for citation in citations(text, place)
        if "`" not in text  # examples of how to cite
    ]
    assert found
    assert unresolved(iter(found)) == []
    for page in pages:
        for name in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / name).exists(), f"{page.name}: {name}"


def test_each_rule_says_how_sure_it_is() -> None:
    """Every list item of behaviour.md up to section 19 carries a mark: documented, seen or inferred."""
    text = (DOCS / "behaviour.md").read_text(encoding="utf-8")
    rules = text.partition("## 1. Key states")[2].partition("## 20. ")[0]
    items = re.split(r"\n(?=- |\n)", rules)
    unmarked = [
        item.strip()
        for item in items
        if item.strip().startswith("- ") and not re.search(r"\[(?:documented|seen|inferred)|kms-mock", item)
    ]
    assert unmarked == []


def test_ranges_and_lists_of_numbers_are_read() -> None:
    """`7 and 9-11` is 7, 9, 10, 11; `2.17-2.19, 2.25` four items of section 2."""
    assert list(expand("7 and 9-11")) == ["7", "9", "10", "11"]
    assert list(expand("2.17-2.19, 2.25")) == ["2.17", "2.18", "2.19", "2.25"]
    wrong = unresolved(citations("(behaviour.md 7 and 99; nowhere.md 1; clients.md 2.13-2.15, 4.7b)", "here"))
    assert wrong == ["here: docs/behaviour.md has no 99", "here: there is no docs/nowhere.md"]
