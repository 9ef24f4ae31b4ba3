"""What a signature covers decides, and who signed is the caller, in every scheme (clients.md 2.14, 2.15).

The rule for headers is the vendor's ("V3 request structure and signature"): every x-acs-* header, host and content-type
must be signed wherever it is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import pytest

from kms_mock import KmsMock
from kms_mock.rpc.signature import Keys, check
from kms_mock.rpc.signed_request import SignedRequest
from tests.support.raw_http import VERSION, Answer, ask, http, request_parameters
from tests.support.signing import acs, hmac_sha1, rpc_pairs, rpc_signed, stamp

SECRET = "the-secret-of-the-user-0123456"
INCOMPLETE = (400, "IncompleteSignature", "The request signature does not conform to Aliyun standards.")
MISMATCH = (400, "SignatureDoesNotMatch")
NO_ACTION = (400, "MissingParameter", "The parameter  Action  needed but no provided.")
ONLY_REGIONS = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "kms:DescribeRegions", "Resource": "*"}]}
DATABASE = {"name": "db", "value": "of the account"}
WORLD: dict[str, Any] = {
    "accounts": [
        {
            "id": "111",
            "access_keys": [{"id": "ROOT1", "secret": "of-root-1"}],
            "regions": [{"id": "cn-hangzhou", "secrets": [DATABASE]}],
        },
        {
            "id": "222",
            "access_keys": [
                {"id": "ROOT2", "secret": "of-root-2"},
                {"id": "AK", "secret": SECRET},
                {"id": "WEAK", "secret": SECRET, "user": "weak", "policy": ONLY_REGIONS},
                {"id": "STS.AK", "secret": SECRET},
            ],
            "regions": [{"id": "cn-hangzhou", "secrets": [DATABASE, {"name": "second", "value": "v"}]}],
        },
    ],
}
ACS = ("ACS3", "ACS4")
SIGN = hmac_sha1(SECRET)

schemes = pytest.mark.parametrize("scheme", ACS)


@pytest.fixture(scope="module")
def strict() -> Iterator[KmsMock]:
    with KmsMock([{**WORLD, "authentication": {"signatures": "verify"}}]) as running:
        yield running


@pytest.fixture(scope="module")
def lenient() -> Iterator[KmsMock]:
    with KmsMock([WORLD]) as running:
        yield running


def reason(answer: Answer) -> str:
    text = answer.headers["x-kms-mock-reason"]
    assert SECRET not in text
    return text


def rpc(**changes: str | None) -> str:
    return urlencode(rpc_pairs(SIGN, "GET", **{"AccessKeyId": "AK", **changes}))


# -- who signed -------------------------------------------------------------------------------------------------------


@schemes
@pytest.mark.parametrize("victim", ["ROOT1", "ROOT2"])
def test_a_second_access_key_id_beside_the_signers_is_refused(strict: KmsMock, scheme: str, victim: str) -> None:
    """A user that may only DescribeRegions signs and names ROOT of its own or another account: it does not act as ROOT."""
    db = ("SecretName", "db")
    named = ("AccessKeyId", victim)
    requests = [
        acs(scheme, "WEAK", SECRET, query=[db, named]),
        acs(scheme, "WEAK", SECRET, query=[db], form=[named]),
        acs(scheme, "WEAK", SECRET, signed={"x-acs-accesskey-id": victim}),
    ]
    for request in requests:
        answer = ask(strict, request)
        assert answer.refusal == INCOMPLETE
        assert "Different AccessKey ids" in reason(answer)
    unsigned = ask(strict, acs(scheme, "WEAK", SECRET, unsigned={"x-acs-accesskey-id": victim}))
    assert unsigned.refusal == INCOMPLETE
    assert ask(strict, acs(scheme, "WEAK", SECRET)).refusal[1] == "Forbidden.NoPermission"


@pytest.mark.parametrize("victim", ["ROOT1", "ROOT2"])
@pytest.mark.parametrize("header", ["x-acs-accesskey-id", "Authorization"])
def test_a_header_does_not_name_the_signer_of_an_rpc_signature(strict: KmsMock, victim: str, header: str) -> None:
    """HMAC-SHA1 covers no header: an AccessKey id there that is not the signer's is refused, in any kind of Credential."""
    value = f"AWS4-HMAC-SHA256 Credential={victim}/1/2, Signature=0" if header == "Authorization" else victim
    assert ask(strict, http("GET", rpc(AccessKeyId="WEAK"), headers={header: value})).refusal == INCOMPLETE
    assert ask(strict, http("GET", rpc(AccessKeyId="WEAK"))).refusal[1] == "Forbidden.NoPermission"
    assert ask(strict, http("GET", rpc(AccessKeyId=None), headers={header: value})).refusal[1] == "MissingParameter"


def test_an_access_key_id_named_twice_alike_is_fine(strict: KmsMock) -> None:
    """The official SDK sends x-acs-accesskey-id beside Credential for temporary keys."""
    for scheme in ACS:
        request = acs(
            scheme,
            "AK",
            SECRET,
            query=[("SecretName", "db"), ("AccessKeyId", "AK")],
            signed={"x-acs-accesskey-id": "AK"},
        )
        assert ask(strict, request).status == 200
    assert ask(strict, http("GET", rpc(), headers={"x-acs-accesskey-id": "AK"})).status == 200


def test_where_signatures_are_ignored_the_same_source_names_the_caller(lenient: KmsMock) -> None:
    """Credential before the parameter before the header; with an RPC signature the parameter alone."""

    def account(query: dict[str, str], **headers: str) -> str:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = ask(
            lenient, http("GET", {**request_parameters("DescribeSecret", SecretName="db"), **query}, headers=fields)
        )
        assert answer.status == 200
        return str(answer.tree["Arn"]).split(":")[3]

    credential = "ACS3-HMAC-SHA256 Credential=AK,SignedHeaders=host,Signature=0"
    one = {"AccessKeyId": "ROOT1"}
    assert account(one, Authorization=credential, x_acs_accesskey_id="ROOT1") == "222"
    assert account({}, Authorization=credential, x_acs_accesskey_id="ROOT1") == "222"
    assert account(one, x_acs_accesskey_id="AK") == "111"
    assert account({}, x_acs_accesskey_id="AK") == "222"
    by_parameters = {"SignatureMethod": "HMAC-SHA1", "Signature": "0"}
    assert account({**one, **by_parameters}, x_acs_accesskey_id="AK") == "111"
    assert account({**one, **by_parameters}, Authorization="AWS4-HMAC-SHA256 Credential=AK/1") == "111"
    assert account({**one, **by_parameters}, Authorization=credential) == "222"


# -- what an RPC signature covers: parameters -------------------------------------------------------------------------


@pytest.mark.parametrize("kms", ["strict", "lenient"])
def test_headers_do_not_decide_beside_an_rpc_signature(kms: str, request: pytest.FixtureRequest) -> None:
    """A signed Action=DescribeSecret stays that, whatever x-acs-action and x-acs-version say; no value comes back."""
    server = request.getfixturevalue(kms)
    for headers in ({"x-acs-action": "GetSecretValue"}, {"x-acs-version": "2000-01-01"}, {"x-acs-action": "NoSuch"}):
        answer = ask(server, http("GET", rpc(), headers=headers))
        assert answer.status == 200
        assert "SecretData" not in answer.tree
        assert answer.tree["Arn"].startswith("acs:kms:")
    assert ask(server, http("GET", rpc(Action=None), headers={"x-acs-action": "GetSecretValue"})).refusal == NO_ACTION
    no_version = http("GET", rpc(Version=None), headers={"x-acs-version": VERSION})
    assert ask(server, no_version).refusal[1] == "InvalidVersion"


def test_a_header_is_no_security_token_nor_nonce_of_an_rpc_signature(strict: KmsMock) -> None:
    """The token must be signed; a new unsigned nonce does not make a replayed request new."""
    token = {"x-acs-security-token": "token"}
    assert ask(strict, http("GET", rpc(AccessKeyId="STS.AK"), headers=token)).refusal[1] == "MissingSecurityToken"
    assert ask(strict, http("GET", rpc(AccessKeyId="STS.AK", SecurityToken="token"))).status == 200
    signed = rpc(SignatureNonce="replayed")
    assert ask(strict, http("GET", signed)).status == 200
    for nonce in ("new", "replayed"):
        again = http("GET", signed, headers={"x-acs-signature-nonce": nonce})
        assert ask(strict, again).refusal[1] == "SignatureNonceUsed"


@pytest.mark.parametrize("added", ["Format=XML", "RegionId=cn-beijing", "SecurityToken=t", "SignatureNonce=n", "X=1"])
def test_every_parameter_is_covered(strict: KmsMock, added: str) -> None:
    """A parameter added after signing, in query or form, is a mismatch in every scheme: Format and RegionId too."""
    name, _, value = added.partition("=")
    assert ask(strict, http("GET", f"{rpc()}&{added}")).refusal[:2] == MISMATCH
    for scheme in ACS:
        signed = acs(scheme, "AK", SECRET)
        assert (
            ask(strict, signed.replace(b"/?SecretName=db", f"/?SecretName=db&{added}".encode())).refusal[:2] == MISMATCH
        )
        pairs = (("SecretName", "db"), (name, scheme if name == "SignatureNonce" else value))
        assert ask(strict, acs(scheme, "AK", SECRET, query=pairs)).status == (404 if name == "RegionId" else 200)


def test_the_host_of_an_rpc_signature_is_the_endpoint_it_was_sent_to(strict: KmsMock) -> None:
    """HMAC-SHA1 does not sign Host, as at the service: without a signed RegionId the endpoint's region counts."""
    beijing = "kms.cn-beijing.aliyuncs.com"
    assert ask(strict, http("GET", rpc(), host=beijing)).refusal[1] == "Forbidden.ResourceNotFound"
    assert ask(strict, http("GET", rpc(RegionId="cn-hangzhou"), host=beijing)).status == 200
    for scheme in ACS:
        moved = acs(scheme, "AK", SECRET).replace(b"Host: 127.0.0.1", f"Host: {beijing}".encode())
        assert ask(strict, moved).refusal[:2] == MISMATCH


# -- what ACS3 and ACS4 cover -----------------------------------------------------------------------------------------


@schemes
@pytest.mark.parametrize(
    "names",
    [
        ("x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-version"),  # SignedHeaders=host
        ("host",),
        ("x-acs-action",),
        ("x-acs-version",),
        ("x-acs-date",),
        ("x-acs-content-sha256",),
        ("content-type",),
        ("x-acs-signature-nonce",),
        ("x-acs-security-token",),
        ("x-acs-anything",),
    ],
)
def test_headers_with_a_meaning_must_be_signed(strict: KmsMock, scheme: str, names: Sequence[str]) -> None:
    """The vendor's rule: a header x-acs-*, host or content-type that is there but not in SignedHeaders is a mismatch."""
    headers = dict.fromkeys(("x-acs-signature-nonce", "x-acs-security-token", "x-acs-anything"), "1")
    answer = ask(strict, acs(scheme, "AK", SECRET, form=[("X", "")], signed=headers, leave_out=names))
    assert answer.refusal[:2] == MISMATCH
    assert repr(names[0]) in reason(answer)
    again = {**headers, "x-acs-signature-nonce": f"{scheme} {names}"}
    assert ask(strict, acs(scheme, "AK", SECRET, form=[("X", "")], signed=again)).status == 200


@schemes
def test_the_type_of_no_body_needs_no_signature(strict: KmsMock, scheme: str) -> None:
    """V2's asynchronous client does not sign the Content-Type that aiohttp adds to a POST without a body."""
    assert ask(strict, acs(scheme, "AK", SECRET, form=[], leave_out=("content-type",))).status == 200


@schemes
def test_a_signature_over_the_host_alone_does_not_carry_another_operation(strict: KmsMock, scheme: str) -> None:
    """With SignedHeaders=host the operation, the date and the nonce could all be replaced: nothing happens."""
    others = ("x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-version")
    query = [("SecretName", "second"), ("ForceDeleteWithoutRecovery", "true")]
    request = acs(scheme, "AK", SECRET, query=query, signed={"x-acs-action": "DeleteSecret"}, leave_out=others)
    before = strict.snapshot()
    assert ask(strict, request).refusal[:2] == MISMATCH
    assert strict.snapshot() == before


@schemes
@pytest.mark.parametrize("header", ["x-acs-action", "x-acs-signature-nonce", "x-acs-security-token", "X-Acs-New"])
def test_a_header_added_after_signing_is_refused(strict: KmsMock, scheme: str, header: str) -> None:
    """A header that was not there when the client signed cannot decide anything either."""
    query = [("Action", "DescribeSecret"), ("Version", VERSION), ("SecretName", "db")]
    bare = {"x-acs-action": None, "x-acs-version": None}
    assert ask(strict, acs(scheme, "AK", SECRET, query=query, signed=bare)).status == 200
    added = acs(scheme, "AK", SECRET, query=query, signed=bare, unsigned={header: "DescribeSecret"})
    assert ask(strict, added).refusal[:2] == MISMATCH
    harmless = acs(scheme, "AK", SECRET, unsigned={"User-Agent": "x", "Accept": "*/*", "X-Request-Id": "1"})
    assert ask(strict, harmless).status == 200


@schemes
def test_a_signed_header_counts_before_a_signed_parameter(strict: KmsMock, scheme: str) -> None:
    """Both are covered, so nobody but the signer wrote either: action, version, nonce and token come from the header."""
    query = [("Action", "GetSecretValue"), ("Version", "2000-01-01"), ("SecretName", "db"), ("SignatureNonce", "same")]
    for nonce in ("a", "b"):
        answer = ask(
            strict, acs(scheme, "AK", SECRET, query=query, signed={"x-acs-signature-nonce": f"{scheme}{nonce}"})
        )
        assert answer.status == 200
        assert "SecretData" not in answer.tree
    token = [("SecretName", "db"), ("SecurityToken", "signed")]
    assert ask(strict, acs(scheme, "STS.AK", SECRET, query=token)).status == 200
    assert ask(strict, acs(scheme, "STS.AK", SECRET)).refusal[1] == "MissingSecurityToken"


@schemes
@pytest.mark.parametrize("listed", ["", ";", " ; ;"])
def test_empty_lists_of_signed_headers_are_incomplete(strict: KmsMock, scheme: str, listed: str) -> None:
    """SignedHeaders that names nothing covers nothing."""
    names = ("host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-version")
    answer = ask(strict, acs(scheme, "AK", SECRET, leave_out=names, signed_headers=listed))
    assert answer.refusal == INCOMPLETE
    assert "SignedHeaders" in reason(answer)


@schemes
@pytest.mark.parametrize("missing", ["x-acs-date", "Credential", "Signature"])
def test_what_a_signature_must_have(strict: KmsMock, scheme: str, missing: str) -> None:
    """Without a signed date a request could be replayed for ever; an empty Credential or Signature is none."""
    request = acs(scheme, "AK", SECRET, signed={missing: None} if missing == "x-acs-date" else None)
    if missing != "x-acs-date":
        request = re.sub(rf"{missing}=[^,\r]*".encode(), f"{missing}=".encode(), request)
    codes = {"x-acs-date": "IllegalTimestamp", "Credential": "MissingParameter", "Signature": "IncompleteSignature"}
    assert ask(strict, request).refusal[1] == codes[missing]


# -- one name, two values ---------------------------------------------------------------------------------------------


def test_the_order_of_two_values_is_not_covered(strict: KmsMock) -> None:
    """Parameters are sorted before they are signed: of two values either could be made the first, so both are refused."""
    pairs = rpc_pairs(SIGN, "POST", AccessKeyId="AK")[:-1]
    doubled = rpc_signed(SIGN, "POST", [*pairs, ("SecretName", "second")])
    orders = [doubled, doubled[::-1]]
    for order in orders:
        assert ask(strict, http("POST", urlencode(order))).refusal == INCOMPLETE
        assert ask(strict, http("POST", urlencode(order[:3]), body=urlencode(order[3:]).encode())).refusal == INCOMPLETE
    for scheme in ACS:
        for query in (
            [("SecretName", "db"), ("SecretName", "second")],
            [("SecretName", "second"), ("SecretName", "db")],
        ):
            answer = ask(strict, acs(scheme, "AK", SECRET, query=query))
            assert answer.refusal == INCOMPLETE
            assert reason(answer).startswith("The parameter 'SecretName' has more than one value")
        split = acs(scheme, "AK", SECRET, query=[("SecretName", "db")], form=[("SecretName", "second")])
        assert ask(strict, split).refusal == INCOMPLETE


def test_two_equal_values_are_one(strict: KmsMock) -> None:
    """Equal values are no ambiguity, when both are signed; unsigned ones are a mismatch."""
    pairs = rpc_pairs(SIGN, "POST", AccessKeyId="AK")[:-1]
    doubled = rpc_signed(SIGN, "POST", [*pairs, ("SecretName", "db")])
    assert ask(strict, http("POST", urlencode(doubled))).status == 200
    assert (
        ask(strict, http("POST", urlencode(rpc_signed(SIGN, "POST", pairs)) + "&SecretName=db")).refusal[:2] == MISMATCH
    )
    for scheme in ACS:
        assert ask(strict, acs(scheme, "AK", SECRET, query=[("SecretName", "db")] * 2)).status == 200


@schemes
@pytest.mark.parametrize("header", ["x-acs-action", "x-acs-signature-nonce", "Authorization", "x-acs-accesskey-id"])
def test_a_header_that_arrives_twice_is_refused(strict: KmsMock, scheme: str, header: str) -> None:
    """Values of one header are sorted and joined before they are signed, so their order is not covered either."""
    signed = {"x-acs-signature-nonce": "n", "x-acs-accesskey-id": "AK"}
    request = acs(scheme, "AK", SECRET, signed=signed)
    line = f"\r\n{header}: {'AK' if header == 'x-acs-accesskey-id' else 'GetSecretValue'}".encode()
    for place in (b"\r\nHost:", b"\r\nx-acs-version:"):
        answer = ask(strict, request.replace(place, line + place, 1))
        assert answer.refusal == INCOMPLETE
        assert repr(header.lower()) in reason(answer) or "Different AccessKey ids" in reason(answer)


def test_signed_values_of_one_header_are_refused_in_any_order() -> None:
    """Even if the client signed both values: which of them counts would be open."""
    for values in (("A", "B"), ("B", "A")):
        headers = [("host", "h"), ("x-acs-date", stamp()), *(("x-acs-action", value) for value in values)]
        authorization = "ACS3-HMAC-SHA256 Credential=x,SignedHeaders=host;x-acs-action;x-acs-date,Signature=0"
        request = SignedRequest("POST", "/", "", [], [], [*headers, ("Authorization", authorization)], b"")
        problem = check(request, Keys(lambda _: SECRET), 0.0)
        assert problem is not None
        assert problem.kind == "incomplete"
        assert "'x-acs-action' arrived more than once" in problem.reason


def test_values_of_headers_are_those_that_decoding_sees() -> None:
    """HTTP ignores blanks and tabs around a value; other white space belongs to it, here as in `decode`."""
    request = SignedRequest("POST", "/", "", [], [], [("X-Acs-Action", " \t\xa0A\x1f "), ("Host", "h")], b"")
    assert request.header("x-acs-action") == "\xa0A\x1f"


# -- what official clients do about empty parameters ------------------------------------------------------------------


@schemes
def test_an_empty_parameter_is_signed_with_and_without_an_equals_sign(strict: KmsMock, scheme: str) -> None:
    """Python's and Java's SDKs write `DryRun=`, Go's (ACS4), Node's and PHP's (ACS3) `DryRun`; a value does not verify."""
    query = [("EncryptionContext", ""), ("SecretName", "db")]
    for bare in (False, True):
        assert ask(strict, acs(scheme, "AK", SECRET, query=query, bare_empty=bare)).status == 200
    changed = acs(scheme, "AK", SECRET, query=query, bare_empty=True).replace(b"Context=&", b"Context=1&")
    assert ask(strict, changed).refusal[:2] == MISMATCH
    assert ask(strict, acs(scheme, "AK", "another secret", query=query, bare_empty=True)).refusal[:2] == MISMATCH


def test_hmac_sha1_signs_an_empty_parameter_or_leaves_it_out(strict: KmsMock) -> None:
    """Java's, C#'s and PHP's V2 send `DryRun=` and sign without it, V1 with it; a value that was not signed is refused."""
    signed_with = rpc_pairs(SIGN, "POST", AccessKeyId="AK", EncryptionContext="")
    signed_without = [*rpc_pairs(SIGN, "POST", AccessKeyId="AK"), ("EncryptionContext", "")]
    for pairs in (signed_with, signed_without):
        assert ask(strict, http("POST", urlencode(pairs))).status == 200
    for pairs in (signed_with, signed_without):
        changed = [(name, value or "1") for name, value in pairs]
        assert ask(strict, http("POST", urlencode(changed))).refusal[:2] == MISMATCH
