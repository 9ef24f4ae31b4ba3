"""What a test author's tools cost: a journal that nobody reads, a checkpoint of 10,000 secrets."""

from __future__ import annotations

import time

from bench_tools import GET, compare_rates, fixture, load, mock, repeat, report, secrets


def main() -> None:
    """Measure, and print a row for each."""
    from kms_mock import KmsMock  # noqa: PLC0415 (most sections run servers in processes of their own)

    with fixture(secrets(10)) as path, mock("--fixture", path) as on, mock("--fixture", path, "--journal", "0") as off:
        compare_rates(
            "GetSecretValue, journal on / off, req/s", ">= 0.95", lambda: load(on, GET), lambda: load(off, GET)
        )
    with KmsMock([secrets(10_000)]) as kms:

        def checkpoint() -> float:
            began = time.perf_counter()
            with kms.checkpoint():
                pass
            return (time.perf_counter() - began) * 1000

        report("checkpoint + restore of 10,000 secrets, ms", repeat(checkpoint, 50), "<= 5", "")
