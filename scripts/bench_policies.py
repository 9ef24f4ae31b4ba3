"""How long a decision of RAM's takes: a policy of 10 statements, of which most are about the action."""

from __future__ import annotations

import time
from typing import Any

from bench_tools import repeat, report

ROUNDS, CALLS = 50, 200
_CONDITION = {
    "IpAddress": {"acs:SourceIp": ["10.0.0.0/8", "192.168.0.0/16"]},
    "StringLike": {"acs:ResourceTag/team": "payments-*"},
    "DateLessThan": {"acs:CurrentTime": "2030-01-01T00:00:00Z"},
}


def main() -> None:
    """Report the median time of a decision that looks at every statement, by the last of which it is allowed."""
    import msgspec  # noqa: PLC0415 (most sections run servers in processes of their own)

    from kms_mock.identity.conditions import Request  # noqa: PLC0415
    from kms_mock.identity.decisions import decide  # noqa: PLC0415
    from kms_mock.identity.policies import Policy  # noqa: PLC0415

    def statement(number: int) -> dict[str, Any]:
        resources = [f"acs:kms:*:*:secret/team-{number}/*", f"acs:kms:cn-*:*:key/?{number}*"]
        made = {"Effect": "Deny" if number % 2 else "Allow", "Action": ["kms:Get*", "kms:List*"], "Resource": resources}
        return {**made, "Condition": _CONDITION} if number % 3 == 0 else made

    wanted = {"Effect": "Allow", "Action": "kms:*", "Resource": "acs:kms:*:*:secret/*", "Condition": _CONDITION}
    document = {"Version": "1", "Statement": [*map(statement, range(9)), wanted]}
    named = (("bench", msgspec.convert(document, Policy)),)

    def ask(number: int) -> bool:
        request = Request(
            "kms:GetSecretValue",
            f"acs:kms:cn-hangzhou:1234567890123456:secret/app/{number}",
            "acs:ram::1234567890123456:user/robot",
            now=1_800_000_000.0,
            source_ip="10.1.2.3",
            resource_tags={"team": "payments-eu"},
        )
        return decide(named, request).allowed

    if not ask(0):
        raise SystemExit("unexpected decision")

    def microseconds() -> float:
        began = time.perf_counter()
        for number in range(CALLS):
            ask(number)
        return (time.perf_counter() - began) / CALLS * 1e6

    report("policy decision, 10 statements, µs", repeat(microseconds, ROUNDS), "<= 20", "")
