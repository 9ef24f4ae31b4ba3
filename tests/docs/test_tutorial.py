"""docs/tutorial.md works as printed, from its first command after the installation to its last.

`scripts/tutorial` follows it with the installation, in new environments that hold nothing but the wheel.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.blocks import all_blocks
from tests.support.page_shell import PageShell, free_port

PAGE = "docs/tutorial.md"


def test_the_tutorial_works(tmp_path: Path) -> None:
    """Every command ends well and prints what the page shows."""
    installation, *steps = [block for block in all_blocks() if block.page == PAGE]
    assert "pip install 'kms-mock[sdk]' pytest" in installation.code
    with PageShell(tmp_path, free_port()) as shell:
        for block in steps:
            shell.follow(block)
    assert len(steps) >= 12
