"""Runs every block of docs/tutorial.md with each of the given interpreters; `scripts/tutorial` runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.blocks import Block, all_blocks
from tests.support.page_shell import PageShell, free_port

PAGE = "docs/tutorial.md"


def follow(python: str, wheels: Path, folder: Path) -> int:
    """Do what the page says, `python3` being an interpreter and the wheel in a folder; return how many blocks there were."""
    (folder / "bin").mkdir()
    (folder / "bin/python3").symlink_to(python)
    environment = {
        "PATH": f"{folder / 'bin'}:{os.defpath}:/usr/local/bin",
        **{name: text for name, text in os.environ.items() if name.startswith("PIP_")},
        "PIP_FIND_LINKS": f"{wheels.resolve()} {os.environ.get('PIP_FIND_LINKS', '')}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    blocks: list[Block] = [block for block in all_blocks() if block.page == PAGE]
    with PageShell(folder, free_port(), environment) as shell:
        for block in blocks:
            shell.follow(block)
    return len(blocks)


def main() -> None:
    """Follow the page once with each interpreter."""
    wheels, *interpreters = sys.argv[1:]
    if not interpreters:
        sys.exit("there is no Python from 3.11 upwards in PATH")
    for python in interpreters:
        version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="kms-mock-tutorial-") as folder:
            count = follow(python, Path(wheels), Path(folder).resolve())
        print(f"{version}: {count} blocks of {PAGE} in {time.monotonic() - began:.0f} seconds")


if __name__ == "__main__":
    main()
