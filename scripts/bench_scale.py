"""The cost of a request when the store holds 100,000 records instead of 10."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from bench_tools import GET, compare_times, fixture, keys, load, mock, request, secrets

COUNT = 100_000
_SECRETS = (
    ("GetSecretValue", "<= 1.2", GET),
    ("ListSecrets", "<= 1.5", request("ListSecrets", PageNumber=1, PageSize=10)),
)
_KEYS = (
    ("DescribeKey", "<= 1.2", request("DescribeKey", KeyId="key-5")),
    ("DescribeKey by alias", "<= 1.2", request("DescribeKey", KeyId="alias/key-5")),
    ("ListKeys", "<= 1.5", request("ListKeys")),
    ("ListAliases", "<= 1.5", request("ListAliases")),
)


def _compare(large: int, small: int, kind: str, rows: Iterable[tuple[str, str, bytes]]) -> None:
    for what, goal, payload in rows:
        compare_times(
            f"{what}, {COUNT:,} {kind} / 10, time",
            goal,
            lambda p=payload: 1 / load(large, p),  # type: ignore[misc]
            lambda p=payload: 1 / load(small, p),  # type: ignore[misc]
        )


@contextmanager
def _servers(document: Callable[[int], Mapping[str, object]]) -> Iterator[tuple[int, int]]:
    """Run a server with many records and one with ten; yield their ports."""
    with (
        fixture(document(COUNT)) as many,
        fixture(document(10)) as few,
        mock("--fixture", many) as large,
        mock("--fixture", few) as small,
    ):
        yield large, small


def main() -> None:
    """Measure, and print a row for each."""
    with _servers(secrets) as (large, small):
        _compare(large, small, "secrets", _SECRETS)
        deep = request("ListSecrets", PageNumber=COUNT // 20, PageSize=10)
        first = request("ListSecrets", PageNumber=1, PageSize=10)
        compare_times(
            "ListSecrets, page 5,000 / page 1, time",
            "none set",
            lambda: 1 / load(large, deep),
            lambda: 1 / load(large, first),
        )
    with _servers(keys) as (large, small):
        _compare(large, small, "keys", _KEYS)
