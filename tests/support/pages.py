"""The files that a page of docs/ has in it: blocks after a comment `<!-- file: NAME -->`.

`python -m tests.support.pages PAGE FOLDER` writes them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def files_of_page(text: str) -> dict[str, str]:
    """Return the files of a page by name."""
    return dict(re.findall(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


if __name__ == "__main__":
    for name, content in files_of_page(Path(sys.argv[1]).read_text("utf-8")).items():
        (Path(sys.argv[2]) / name).write_text(content, "utf-8")
