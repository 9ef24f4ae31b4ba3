"""Reads a database password through the caching secrets client, configured by the environment alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alibabacloud_secretsmanager_client_v2.secret_manager_cache_client import SecretManagerCacheClient
from alibabacloud_secretsmanager_client_v2.secret_manager_cache_client_builder import SecretManagerCacheClientBuilder


@contextmanager
def cache_client() -> Iterator[SecretManagerCacheClient]:
    """Make a client of the real service; it is closed at the end."""
    client = SecretManagerCacheClientBuilder.new_client()
    try:
        yield client
    finally:
        client.close()


def main() -> str:
    """Return the password, which is asked for once and then found in the cache."""
    with cache_client() as client:
        first = client.get_secret_info("db/password")
        second = client.get_secret_info("db/password")
        return str(first.secret_value if first.secret_value == second.secret_value else "not cached")


if __name__ == "__main__":
    print(main())  # noqa: T201 (a program)
