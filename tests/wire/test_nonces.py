"""Nonces of verified requests: each counts once while its signature is good, in bounded memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kms_mock import KmsMock
from kms_mock.rpc.authentication import NONCE_LIMIT, NonceMemory
from tests.support.raw_http import ask, http
from tests.support.signing import acs, hmac_sha1, rpc_pairs, stamp

SECRET = "the-secret-of-the-user-0123456"
USED = (400, "SignatureNonceUsed", "Specified signature nonce was used already.")
WORLD = {
    "authentication": {"signatures": "verify"},
    "accounts": [
        {
            "id": "222",
            "access_keys": [{"id": "AK", "secret": SECRET}, {"id": "AK2", "secret": SECRET}],
            "regions": [{"id": "cn-hangzhou", "secrets": [{"name": "db", "value": "v"}]}],
        }
    ],
}


@pytest.fixture
def strict() -> Iterator[KmsMock]:
    with KmsMock([WORLD]) as running:
        yield running


def request(scheme: str, nonce: str, access_key_id: str = "AK", at: float | None = None) -> bytes:
    if scheme == "HMAC-SHA1":
        changes = {"AccessKeyId": access_key_id, "SignatureNonce": nonce, "Timestamp": stamp(at)}
        return http("GET", urlencode(rpc_pairs(hmac_sha1(SECRET), "GET", **changes)))
    signed: dict[str, str | None] = {"x-acs-signature-nonce": nonce, "x-acs-date": stamp(at)}
    return acs(scheme, access_key_id, SECRET, signed=signed)


@pytest.mark.parametrize("scheme", ["ACS3", "ACS4", "HMAC-SHA1"])
def test_a_nonce_counts_once_for_each_access_key(strict: KmsMock, scheme: str) -> None:
    """In every scheme, and across them: a nonce that an AccessKey used is used."""
    assert ask(strict, request(scheme, "n")).status == 200
    assert ask(strict, request(scheme, "n")).refusal == USED
    for other in ("ACS3", "ACS4", "HMAC-SHA1"):
        assert ask(strict, request(other, "n")).refusal == USED
    assert ask(strict, request(scheme, "n", "AK2")).status == 200


def test_a_reset_forgets_nonces_and_a_checkpoint_does_not(strict: KmsMock) -> None:
    """After `reset` a recorded request may be sent again; going back to a checkpoint makes no request unsent."""
    with strict.checkpoint():
        assert ask(strict, request("ACS3", "n")).status == 200
    assert ask(strict, request("ACS3", "n")).refusal == USED
    strict.reset()
    assert ask(strict, request("ACS3", "n")).status == 200


def test_a_refused_request_uses_no_nonce(strict: KmsMock) -> None:
    """A request with a wrong signature cannot use up the nonce of another one."""
    assert ask(strict, acs("ACS3", "AK", "another secret", signed={"x-acs-signature-nonce": "n"})).status == 400
    assert ask(strict, request("ACS3", "n")).status == 200


def test_a_nonce_is_remembered_until_its_signature_expires() -> None:
    """A signature from a clock 15 minutes ahead is good for half an hour: so long its nonce is used."""
    nonces = NonceMemory()
    assert nonces.add("AK", "n", expiry=2700.0, now=900.0)
    assert not nonces.add("AK", "n", expiry=2700.0, now=2700.0)
    assert nonces.add("AK", "n", expiry=4500.0, now=2701.0)
    assert not nonces.add("AK", "n", expiry=4500.0, now=2701.0)


def test_the_expiry_is_that_of_the_signature(strict: KmsMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is told the time of signing plus the tolerance, not the time of arrival."""
    told: list[tuple[float, float]] = []
    add = NonceMemory.add

    def spy(self: NonceMemory, access_key_id: str, nonce: str, expiry: float, now: float) -> bool:
        told.append((expiry, now))
        return add(self, access_key_id, nonce, expiry, now)

    monkeypatch.setattr(NonceMemory, "add", spy)
    ahead = int(time.time()) + 600  # noqa: TID251 (signs as a client)
    assert ask(strict, request("ACS3", "n", at=ahead)).status == 200
    [(expiry, now)] = told
    assert expiry == ahead + 900
    assert now < ahead


def test_at_the_limit_the_oldest_nonce_is_forgotten() -> None:
    """Nobody is refused for what others sent; the latest nonces are still known."""
    nonces = NonceMemory(limit=3)
    for nonce in "abcd":
        assert nonces.add("AK", nonce, expiry=900.0, now=0.0)
    assert len(nonces) == 3
    assert not any(nonces.add("AK", nonce, expiry=900.0, now=0.0) for nonce in "bcd")
    assert nonces.add("AK", "a", expiry=900.0, now=0.0)
    nonces.clear()
    assert len(nonces) == 0
    assert nonces.add("AK", "d", expiry=900.0, now=0.0)


def test_memory_is_bounded_however_long_and_many_the_nonces_are() -> None:
    """Issue of 1.3 GB at 5,000 requests a second: the number has a limit, and the length of a nonce does not count."""
    nonces = NonceMemory(limit=100)
    for number in range(1000):
        assert nonces.add("AK", f"{number}" * 10_000, expiry=900.0, now=0.0)
    assert len(nonces) == 100
    assert NONCE_LIMIT == 100_000


STEPS = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 400), st.integers(0, 1800)), max_size=60)


@given(STEPS, st.integers(1, 8))
def test_what_is_remembered_is_what_a_plain_list_remembers(steps: list[tuple[str, int, int]], limit: int) -> None:
    """Without reaching the limit no nonce passes twice while it is good; with it there are never more than the limit."""
    plenty, few = NonceMemory(), NonceMemory(limit)
    known: dict[str, float] = {}
    now = 0.0
    for nonce, wait, life in steps:
        now += wait
        is_new = known.get(nonce, -1.0) < now
        assert plenty.add("AK", nonce, now + life, now) == is_new
        few.add("AK", nonce, now + life, now)
        if is_new:
            known[nonce] = now + life
        assert len(few) <= limit
