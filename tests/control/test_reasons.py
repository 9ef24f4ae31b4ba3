"""Why something was not found: where it was looked for, where there is one, and the nearest name."""

from __future__ import annotations

import pytest

from kms_mock import KmsMock
from kms_mock.kms.model.secret import secrets
from kms_mock.suggestions import distance
from tests.support.calls import call

OTHER = "1000000000000009"


def reason(kms: KmsMock, action: str, **parameters: str) -> str:
    """Call an operation that is refused; return the reason."""
    with pytest.raises(Exception, match=r"NotFound"):
        call(kms.client(), action, **parameters)
    last = kms.calls.last
    assert last is not None
    return last.reason


def test_another_region_has_one() -> None:
    """The most frequent mistake: the client is set to another region."""
    fixture = {"regions": [{"id": "cn-shanghai", "secrets": [{"name": "db", "value": "x"}]}]}
    with KmsMock([{"accounts": [{"id": "1234567890123456", **fixture}]}]) as kms:
        assert reason(kms, "GetSecretValue", SecretName="db") == (
            "There is no secret db in cn-hangzhou of account 1234567890123456; there is one in cn-shanghai."
        )


def test_another_account_has_one() -> None:
    """Its number is named."""
    region = {"id": "cn-hangzhou", "secrets": [{"name": "db", "value": "x"}]}
    with KmsMock([{"accounts": [{"id": OTHER, "regions": [region]}]}]) as kms:
        assert reason(kms, "GetSecretValue", SecretName="db").endswith(
            f"; there is one in cn-hangzhou of account {OTHER}."
        )


@pytest.mark.parametrize(
    ("action", "parameters", "near"),
    [
        ("GetSecretValue", {"SecretName": "db/pasword"}, "db/password"),
        ("DescribeSecret", {"SecretName": "DB_PASSWORD"}, "db/password"),
        ("DescribeKey", {"KeyId": "alias/ap"}, "alias/app"),
        ("DescribeKey", {"KeyId": "key-on"}, "key-one"),
    ],
)
def test_the_nearest_name(action: str, parameters: dict[str, str], near: str) -> None:
    """Of the records of this account and region, whatever kind they are."""
    keys = [{"id": "key-one", "aliases": ["alias/app"]}]
    with KmsMock([{"secrets": [{"name": "db/password", "value": "x"}], "keys": keys}]) as kms:
        found = reason(kms, action, **parameters)
        assert found.endswith(f"; did you mean {near}?")


def test_of_many_records_only_some_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused request must not hold up others: 100,000 secrets cost no more comparisons than 200."""
    compared = 0

    def counting(one: str, other: str, limit: int) -> int | None:
        nonlocal compared
        compared += 1
        return distance(one, other, limit)

    kms = KmsMock([{"secrets": [{"name": f"app/db-{number:05}", "value": "x"} for number in range(5000)]}])
    monkeypatch.setattr("kms_mock.suggestions.distance", counting)
    partition = kms.store.partition("1234567890123456", "cn-hangzhou")
    assert "did you mean app/db-00001?" in partition.reason_for_missing(secrets, "app/db-0001")
    assert compared <= 400, "each name whole and by its last part"
