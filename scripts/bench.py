"""Performance as ratios within one run: scripts/bench [section]…; without names, all sections but the long ones.

The yardstick is a bare aiohttp server that answers a constant of the same size, run in turns with kms-mock on the same
machine. Load comes from this process over 8 kept connections; servers run in processes of their own.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import bench_beside
import bench_crypto
import bench_dedicated
import bench_large
import bench_life
import bench_million
import bench_page
import bench_peers
import bench_policies
import bench_rss
import bench_scale
import bench_start
import bench_state
import bench_testing
import bench_wire
import bench_worst
from bench_tools import ROWS, Limits

SECTIONS: dict[str, Callable[[], None]] = {
    "reads": bench_wire.reads,
    "signatures": bench_wire.signatures,
    "connections": bench_wire.connections,
    "life": bench_life.main,
    "start": bench_start.main,
    "scale": bench_scale.main,
    "crypto": bench_crypto.main,
    "generation": bench_crypto.generation,
    "dedicated": bench_dedicated.main,
    "large": bench_large.main,
    "testing": bench_testing.main,
    "page": bench_page.main,
    "policies": bench_policies.main,
    "state": bench_state.main,
}
# These take minutes, or more than this environment: they run when they are named.
LONG: dict[str, Callable[[], None]] = {
    "million": bench_million.main,
    "peers": bench_peers.main,
    "rss": bench_rss.main,
}


def main() -> None:
    """Run the named sections, or all but the long ones; or the tables of the worst input, of peers, of another tree."""
    options = _arguments()
    Limits.rounds, Limits.seconds = options.rounds, options.seconds
    if options.against is not None:
        ROWS.compare_with(options.against)
    if options.worst:
        bench_worst.main(options.names)
        return
    if options.beside is not None:
        bench_beside.main(options.beside, options.names)
    else:
        _run([*(options.names or SECTIONS), *(["peers"] if options.peers else [])])
    ROWS.finish()
    if options.save is not None:
        ROWS.save(options.save)
    if options.markdown is not None:
        ROWS.write_markdown(options.markdown)


def _run(names: list[str]) -> None:
    every = {**SECTIONS, **LONG}
    for name in names:
        every[name]()
    left = [name for name in every if name not in names]
    print(f"\nnot run: {', '.join([*left, '--worst', '--beside FOLDER'])}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"{', '.join(SECTIONS)}; when named: {', '.join(LONG)}")
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep the rows")
    parser.add_argument("--against", type=Path, metavar="FILE", help="print each row's change against a kept run")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the rows as a table")
    parser.add_argument(
        "--rounds", type=int, metavar="N", help="at most so many rounds for a row: to see that it works"
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="at most so long a load in each round")
    table = parser.add_mutually_exclusive_group()
    table.add_argument(
        "--peers",
        action="store_true",
        help="the section `peers` as well: installs other projects' emulators and measures them",
    )
    table.add_argument(
        "--beside", type=Path, metavar="FOLDER", help="measure another checkout; names are parts of rows"
    )
    table.add_argument(
        "--worst", action="store_true", help="the worst input of each operation; names are parts of rows"
    )
    options = parser.parse_args()
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds: at least 1")
    if options.against is not None and not options.against.is_file():
        parser.error(f"--against {options.against}: there is no such file")
    unknown = {*options.names} - {*SECTIONS, *LONG}
    if unknown and not options.worst and options.beside is None:
        parser.error(f"no section of that name: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    main()
