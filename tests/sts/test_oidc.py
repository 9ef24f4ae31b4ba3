"""AssumeRoleWithOIDC: what is checked of a token, and of the role's trust (docs/sts.md)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kms_mock import KmsMock
from kms_mock.crypto import jwt
from kms_mock.fixtures import FixtureError
from tests.support.calls import call
from tests.support.identities import ACCOUNT, OIDC, ROLE, idp_key, trust, with_session
from tests.support.in_process import START, InProcess

ISSUER = "https://issuer.example.com"
PARAMETERS = {"RoleArn": ROLE, "RoleSessionName": "alice", "OIDCProviderArn": OIDC}


def private(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, none).decode()


def public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def token(key: Any = None, key_id: str = "rsa", **changes: Any) -> str:
    """Return a token of the provider, signed by its RSA key if no other; None leaves a claim out."""
    claims = {"iss": ISSUER, "sub": "app", "aud": "sts.aliyuncs.com", "iat": START, "exp": START + 600, **changes}
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.sign(private(key or idp_key()).encode(), key_id, given)


def fixture(**role: Any) -> dict[str, Any]:
    keys = [{"id": "rsa", "public_key": public(idp_key())}, {"id": "ec", "public_key": public(ec_key())}]
    return {
        "roles": [{"name": "app", **role}],
        "oidc_providers": [{"name": "k8s", "issuer": ISSUER, "keys": keys}],
    }


@pytest.fixture
def server() -> Iterator[InProcess]:
    made = InProcess(fixture())
    yield made
    made.close()


def exchange_token(server: InProcess, text: str, **changes: str) -> tuple[str, dict[str, Any]]:
    return server.call("AssumeRoleWithOIDC", **{**PARAMETERS, "OIDCToken": text, **changes})


@pytest.mark.parametrize(("key", "key_id"), [(idp_key, "rsa"), (ec_key, "ec")])
def test_a_good_token_gets_a_session(server: InProcess, key: Callable[[], Any], key_id: str) -> None:
    """RS256 and ES256 tokens of the provider; the answer tells what the token said (STS, AssumeRoleWithOIDC)."""
    code, body = exchange_token(server, token(key(), key_id))
    assert code == ""
    assert body["OIDCTokenInfo"] == {
        "Subject": "app",
        "Issuer": ISSUER,
        "ClientIds": "sts.aliyuncs.com",
        "ExpirationTime": "2027-01-15T08:10:00Z",
        "IssuanceTime": "2027-01-15T08:00:00Z",
        "VerificationInfo": "Success",
    }
    assert body["AssumedRoleUser"]["Arn"] == f"{ROLE}/alice"
    identity = server.call("GetCallerIdentity", **with_session(body["Credentials"]))[1]
    assert identity["Arn"] == f"acs:ram::{ACCOUNT}:assumed-role/app/alice"


def test_no_access_key_is_needed() -> None:
    """The operation takes neither AccessKey nor signature, even where unknown AccessKeys are refused."""
    strict = {"unknown_access_keys": "refuse", "signatures": "verify"}
    document: dict[str, Any] = {**fixture(), "authentication": strict}
    with KmsMock(document) as kms:
        kms.clock.freeze()
        kms.clock.set(START)
        client = kms.client()
        body = call(client, "AssumeRoleWithOIDC", **PARAMETERS, OIDCToken=token())
        assert body["Credentials"]["AccessKeyId"].startswith("STS.")


def unsigned(header: dict[str, Any], claims: Any) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in (header, claims)]
    return ".".join([*parts, "AAAA"])


INVALID = "AuthenticationFail.OIDCToken.Invalid"
EMPTY, PARTS = "The OIDCToken can not empty.", "The number of Jwt field should be divided into 3 parts with '.' ."
BASE64 = "Cannot decode base64 encoded response(format invalided)."
CONTENT = "The Jwt content is invalid that cannot be recognized."
NONE = "The algorithm none that be specified in Jwt header is unknown."


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("", INVALID, EMPTY),
        ("abcd", INVALID, PARTS),
        ("a.b.c.d", INVALID, PARTS),
        ("ä.b.c", INVALID, BASE64),
        ("a%.b.c", INVALID, BASE64),
        ("AAAA.AAAA.AAAA", INVALID, CONTENT),
        (unsigned({"alg": "none"}, {}), INVALID, NONE),
        (unsigned({"alg": "HS256"}, {}), INVALID, NONE.replace("none", "HS256")),
        (unsigned({"alg": "RS256"}, []), INVALID, CONTENT),
        (unsigned({"alg": ["RS256"]}, {}), INVALID, NONE.replace("none", "['RS256']")),
        (lambda: token(exp=None), INVALID, CONTENT),
        (lambda: token(exp="soon"), INVALID, CONTENT),
        (lambda: token(exp=1e300), INVALID, CONTENT),
        (lambda: token(exp=True), INVALID, CONTENT),
        (lambda: token(sub=None), INVALID, CONTENT),
        (lambda: token(aud=7), INVALID, CONTENT),
        (lambda: token(aud=[]), INVALID, CONTENT),
        (lambda: token(iss="https://other"), "AuthenticationFail.OIDCToken.IssuerNotMatch", None),
        (lambda: token(ec_key(), "rsa"), "AuthenticationFail.OIDCToken.InvalidSignature", None),
        (lambda: token(idp_key(), "none"), "AuthenticationFail.OIDCToken.InvalidSignature", None),
        (
            lambda: token(ec_key(), "ec").rpartition(".")[0] + ".AAAA",
            "AuthenticationFail.OIDCToken.InvalidSignature",
            None,
        ),
        (lambda: token()[:-4] + "AAAA", "AuthenticationFail.OIDCToken.InvalidSignature", None),
        (lambda: token(exp=START), "AuthenticationFail.OIDCToken.Expired", "This JsonWebToken is expired."),
        (lambda: token(aud="other"), "AuthenticationFail.OIDCToken.AudienceNotMatch", "Invalid audience."),
    ],
)
def test_a_bad_token_is_refused(
    server: InProcess, text: str | Callable[[], str], code: str, message: str | None
) -> None:
    """Each fault has its code and text (STS error codes; Container Service, RRSA)."""
    found, body = exchange_token(server, text if isinstance(text, str) else text())
    assert found == code
    assert message in (None, body["Message"])


def test_a_token_need_not_tell_when_it_was_made(server: InProcess) -> None:
    """OpenID Connect wants `iat`, and STS only says when it was: without it there is no IssuanceTime."""
    code, body = exchange_token(server, token(iat=None))
    assert code == ""
    assert "IssuanceTime" not in body["OIDCTokenInfo"]


def test_an_unsigned_claim_changes_nothing(server: InProcess) -> None:
    """A token whose claims were changed after signing does not verify."""
    header, _, signature = token().split(".")
    _, claims, _ = unsigned({}, {"iss": ISSUER, "sub": "admin", "aud": "sts.aliyuncs.com", "exp": START + 9}).split(".")
    assert (
        exchange_token(server, f"{header}.{claims}.{signature}")[0] == "AuthenticationFail.OIDCToken.InvalidSignature"
    )


def test_a_token_expires_by_the_clock_of_the_mock(server: InProcess) -> None:
    """One second before exp it is taken, at exp it is not."""
    text = token()
    server.now = START + 599
    assert exchange_token(server, text)[0] == ""
    server.now = START + 600
    assert exchange_token(server, text)[0] == "AuthenticationFail.OIDCToken.Expired"


@pytest.mark.parametrize(
    ("arn", "code", "message"),
    [
        ("x", "AuthenticationFail.NoPermission", "Parameter OIDCProviderArn is not valid"),
        (OIDC.replace("k8s", "none"), "AuthenticationFail.NoPermission", "No such OIDC Provider registered."),
        (OIDC.replace(ACCOUNT, "77"), "AuthenticationFail.NoPermission", "No such OIDC Provider registered."),
    ],
)
def test_the_provider_must_be_there(server: InProcess, arn: str, code: str, message: str) -> None:
    """A provider that no fixture file describes, or an ARN of another form."""
    found, body = exchange_token(server, token(), OIDCProviderArn=arn)
    assert (found, body["Message"]) == (code, message)


def test_other_parameters_have_their_own_codes(server: InProcess) -> None:
    """Role, session name, duration and policy are refused as those of AssumeRole are; a missing role has a code too."""
    for changes, code in (
        ({"RoleArn": ROLE.replace("app", "none")}, "EntityNotExist.Role"),
        ({"RoleArn": "x"}, "InvalidParameter.RoleArn"),
        ({"RoleArn": ""}, "MissingParameter.RoleArn"),
        ({"RoleSessionName": "*"}, "InvalidParameter.RoleSessionName"),
        ({"DurationSeconds": "3601"}, "InvalidParameter.DurationSeconds"),
        ({"Policy": "{"}, "InvalidParameter.PolicyGrammar"),
        ({"Policy": "x" * 2049}, "InvalidParameter.PolicySize"),
    ):
        assert exchange_token(server, token(), **changes)[0] == code, changes


@pytest.mark.parametrize(
    ("document", "allowed"),
    [
        (trust(Federated=[OIDC]), True),
        (
            trust(
                {"StringEquals": {"oidc:sub": "app", "oidc:iss": ISSUER, "oidc:aud": "sts.aliyuncs.com"}},
                Federated=OIDC,
            ),
            True,
        ),
        (trust({"StringEquals": {"oidc:sub": "other"}}, Federated=[OIDC]), False),
        (trust(Federated=[OIDC + "x"]), False),
        (trust(RAM=["*"]), False),
    ],
)
def test_the_role_must_trust_the_provider(document: dict[str, Any], allowed: bool) -> None:
    """Principal Federated, with conditions on oidc:iss, oidc:aud and oidc:sub (RAM, trust policies for OIDC)."""
    server = InProcess(fixture(trust=document))
    code, body = exchange_token(server, token())
    server.close()
    assert code == ("" if allowed else "AuthenticationFail.NoPermission")
    assert allowed or body["Message"] == "There is no permission"


def test_a_token_is_no_part_of_a_log(kms: KmsMock) -> None:
    """The journal masks tokens: they are secrets as long as they last."""
    kms.load({"roles": [{"name": "app"}], "oidc_providers": [{"name": "k8s"}]})
    text = kms.oidc_token()
    call(kms.client(), "AssumeRoleWithOIDC", **PARAMETERS, OIDCToken=text)
    last = kms.calls.last
    assert last is not None
    assert last.parameters["OIDCToken"] == "***"
    with pytest.raises(AssertionError, match="OIDCToken"):
        kms.assert_no_leaks(f"token {text}")
    with pytest.raises(AssertionError, match="AccessKeySecret"):
        kms.assert_no_leaks(last.answered["Credentials"]["AccessKeySecret"])


# -- tokens made here -------------------------------------------------------------------------------------------------


def test_the_mock_makes_tokens(kms: KmsMock) -> None:
    """`kms.oidc_token` signs as the only provider would, by the mock's clock; claims come on top."""
    kms.load({"roles": [{"name": "app"}], "oidc_providers": [{"name": "k8s"}]})
    client = kms.client()
    body = call(
        client,
        "AssumeRoleWithOIDC",
        **PARAMETERS,
        OIDCToken=kms.oidc_token("me", claims={"aud": ["a", "sts.aliyuncs.com"]}, provider="k8s"),
    )
    assert body["OIDCTokenInfo"]["Subject"] == "me"
    assert body["OIDCTokenInfo"]["ClientIds"] == "a,sts.aliyuncs.com"
    with pytest.raises(Exception, match="JsonWebToken is expired"):
        call(client, "AssumeRoleWithOIDC", **PARAMETERS, OIDCToken=kms.oidc_token(lifetime=-1))


def test_without_a_private_key_no_token_is_made(kms: KmsMock) -> None:
    """The message says what the fixture file lacks; a name that no provider has, which there are."""
    with pytest.raises(ValueError, match="there is none"):
        kms.oidc_token()
    kms.load(fixture())
    with pytest.raises(ValueError, match="no private_key"):
        kms.oidc_token()
    with pytest.raises(ValueError, match="there is k8s"):
        kms.oidc_token(provider="other")


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "1"},
        {"id": "1", "public_key": "x"},
        {"id": "1", "private_key": "x"},
        {"id": "1", "public_key": "a", "private_key": "b"},
    ],
)
def test_a_key_that_is_none_fails_the_load(kms: KmsMock, entry: dict[str, str]) -> None:
    """A provider's key is PEM, of one half; the error names the place and quotes nothing."""
    with pytest.raises(FixtureError, match=r"oidc_providers\[0\]\.keys\[0\]"):
        kms.load({"oidc_providers": [{"name": "k8s", "keys": [entry]}]})


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1()])
def test_only_p256_signs_es256(curve: ec.EllipticCurve) -> None:
    """RFC 7518, 3.4: ES256 is P-256; a key on another curve is refused."""
    key = ec.generate_private_key(curve)
    for text, half in ((private(key), True), (public(key), False)):
        with pytest.raises(ValueError, match="P-256"):
            jwt.check_key(text.encode(), private=half)
