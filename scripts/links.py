"""Follows every link inside a built site: each file and each anchor must be there. `scripts/docs` runs it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The ids of a page, and what it links to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = {""}
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element's id and link."""
        for name, text in attrs:
            if name == "id" and text:
                self.ids.add(text)
            elif (name == "href" or (name == "src" and tag != "iframe")) and text:
                self.links.append(text)


def broken_links(site: Path) -> Iterator[str]:
    """Yield each link of a site that leads to no file or to no anchor of a page."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            base = site if parts.path.startswith("/") else path.parent
            target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                yield f"{path.relative_to(site)}: {link}: there is no such file"
            elif target in pages and unquote(parts.fragment) not in pages[target].ids:
                yield f"{path.relative_to(site)}: {link}: there is no such anchor"


def main() -> None:
    """Check the site in the folder that the command line names."""
    site = Path(sys.argv[1]).resolve()
    broken = list(broken_links(site))
    if broken:
        sys.exit("\n".join(broken))
    print(f"{site.name}: {len(list(site.rglob('*.html')))} pages, no broken link")


if __name__ == "__main__":
    main()
