"""AssumeRoleWithSAML: signature, times, audience and attributes of a response (docs/sts.md)."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kms_mock.crypto import xml_signature
from kms_mock.crypto.errors import CryptoError
from kms_mock.fixtures import FixtureError
from tests.support.identities import (
    ACCOUNT,
    RECIPIENT,
    ROLE,
    SAML,
    saml_provider,
    saml_response,
    trust,
)
from tests.support.in_process import InProcess

INVALID = "AuthenticationFail.SAMLAssertion.Invalid"
EXPIRED = "AuthenticationFail.SAMLAssertion.Expired"
PARAMETERS = {"RoleArn": ROLE, "SAMLProviderArn": SAML}
DURATION = (
    '<saml:Attribute Name="https://www.aliyun.com/SAML-Role/Attributes/SessionDuration">'
    "<saml:AttributeValue>{}</saml:AttributeValue></saml:Attribute>"
)


def exchange_assertion(fixture: dict[str, Any], text: str, **changes: str) -> tuple[str, dict[str, Any]]:
    server = InProcess(fixture)
    try:
        return server.call("AssumeRoleWithSAML", **{**PARAMETERS, "SAMLAssertion": text, **changes})
    finally:
        server.close()


def described(provider: dict[str, Any] | None = None, **role: Any) -> dict[str, Any]:
    return {"roles": [{"name": "app", **role}], "saml_providers": [provider or saml_provider()]}


def rewritten(change: Callable[[str], str], **parts: str) -> str:
    """Return a response whose XML was changed after it was signed."""
    text = base64.b64decode(saml_response(**parts)).decode()
    changed = change(text)
    assert changed != text
    return base64.b64encode(changed.encode()).decode()


def test_a_good_response_gets_a_session() -> None:
    """The session has the name that the response asserts; the answer tells what it said (STS, AssumeRoleWithSAML)."""
    code, body = exchange_assertion(described(), saml_response())
    assert code == ""
    assert body["SAMLAssertionInfo"] == {
        "SubjectType": "persistent",
        "Subject": "alice@example.com",
        "Recipient": RECIPIENT,
        "Issuer": "https://idp.example.com/metadata",
    }
    assert body["AssumedRoleUser"]["Arn"] == f"{ROLE}/alice"
    assert body["Credentials"]["Expiration"] == "2027-01-15T09:00:00Z"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("abcd", INVALID),
        ("ä" * 4, INVALID),
        (base64.b64encode(b"<a/>").decode(), INVALID),
        (base64.b64encode(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").decode(), INVALID),
        (base64.b64encode(b"<a>" * 200 + b"</a>" * 200).decode(), INVALID),
        (base64.b64encode(b"<a %b/>" % b" ".join(b"xmlns:a%d='b'" % each for each in range(60))).decode(), INVALID),
        (saml_response(issuer="https://other"), INVALID),
        (saml_response(audience="urn:other"), INVALID),
        (saml_response(role=f"acs:ram::{ACCOUNT}:role/other,{SAML}"), INVALID),
        (saml_response(role=f"{ROLE},{SAML}x"), INVALID),
        (saml_response(until="later"), INVALID),
        (saml_response(since="2048-01-01T00:00:00Z"), INVALID),
        (saml_response(until="2026-01-01T00:00:00Z"), EXPIRED),
        (saml_response(confirmation="sender-vouches"), INVALID),
        (saml_response(data='Recipient="https://signin.aliyun.com/saml-role/sso"'), INVALID),
        (saml_response(subject="alice</saml:NameID><saml:NameID>bob"), INVALID),
        (saml_response(session="a"), "InvalidParameter.RoleSessionName"),
        (saml_response(more=DURATION.format("long")), INVALID),
        (saml_response(method="http://www.w3.org/2000/09/xmldsig#rsa-sha1"), INVALID),
    ],
)
def test_a_bad_response_is_refused(text: str, code: str) -> None:
    """What is no XML, was not signed as known here, is over, or asserts something else."""
    assert exchange_assertion(described(), text)[0] == code


def _wrapped(text: str) -> str:
    """Put a forged assertion first, and the signed one where nobody reads it."""
    start, end = text.index("<saml:Assertion"), text.index("</saml:Assertion>") + len("</saml:Assertion>")
    signed = text[start:end]
    forged = signed.replace("alice", "admin").replace("ID='a1'", "ID='a2'", 1)
    return f"{text[:start]}{forged}<samlp:Extensions>{signed}</samlp:Extensions>{text[end:]}"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("alice@", "admin@"),
        lambda text: text.replace("Recipient=", "Other="),
        lambda text: text.replace("<ds:DigestValue>", "<no:DigestValue>").replace(
            "</ds:DigestValue>", "</no:DigestValue>"
        ),
        lambda text: text.replace("xml-exc-c14n#", "xml-other#", 1),
        lambda text: text.replace("<ds:SignatureValue>", "<ds:SignatureValue>AAAA"),
        lambda text: text.replace("<ds:DigestValue>", "<ds:DigestValue>!"),
        lambda text: text.replace('URI="#a1"', 'URI=""'),
        lambda text: text.replace("ID='r1'", "ID='a1'"),
        lambda text: text.replace("#enveloped-signature", "#other"),
        lambda text: text.replace("xmlenc#sha256", "xmlenc#other"),
        lambda text: text.replace("ds:Signature>", "ds:Other>"),
        lambda text: text.replace("<saml:Assertion", "<saml:Another").replace("</saml:Assertion>", "</saml:Another>"),
        lambda text: text.replace("</samlp:Response>", "<?pi x?></samlp:Response>"),
        _wrapped,
    ],
)
def test_a_response_that_was_changed_is_refused(change: Callable[[str], str]) -> None:
    """Changes within what is signed, of the signature, and assertions wrapped around it."""
    assert exchange_assertion(described(), rewritten(change))[0] == INVALID


def test_a_comment_changes_nothing() -> None:
    """Comments are no part of the canonical form; what is read is what was signed, without them."""
    text = rewritten(lambda text: text.replace("alice@example", "alice<!-- x -->@example"))
    code, body = exchange_assertion(described(), text)
    assert (code, body["SAMLAssertionInfo"]["Subject"]) == ("", "alice@example.com")


def test_the_provider_must_be_there_and_have_certificates() -> None:
    """EntityNotExist.SAMLProvider, and AuthenticationFail.IDPMetadata.Invalid for one without certificates."""
    other = SAML.replace("idp", "none")
    assert exchange_assertion(described(), saml_response(), SAMLProviderArn=other)[0] == "EntityNotExist.SAMLProvider"
    assert exchange_assertion(described(), saml_response(), SAMLProviderArn="x")[0] == "InvalidParameter"
    bare = saml_provider(certificates=[])
    assert exchange_assertion(described(bare), saml_response())[0] == "AuthenticationFail.IDPMetadata.Invalid"


def test_missing_parameters_have_their_own_codes() -> None:
    """MissingParameter.SAMLAssertion and its like, with the texts of the table."""
    for name in ("SAMLAssertion", "SAMLProviderArn", "RoleArn"):
        code, body = exchange_assertion(described(), saml_response(), **{name: ""})
        assert (code, body["Message"]) == (f"MissingParameter.{name}", f"Parameter {name} is required.")


def test_other_parameters_have_their_own_codes() -> None:
    """Role, duration and policy are refused with the codes and texts of AssumeRoleWithSAML."""
    other = ROLE.replace("app", "none")
    text = saml_response(role=f"{other},{SAML}")
    assert exchange_assertion(described(), text, RoleArn=other)[0] == "EntityNotExist.RoleArn"
    assert exchange_assertion(described(), saml_response(), RoleArn="x")[0] == "InvalidParameter.RoleArn"
    assert (
        exchange_assertion(described(), saml_response(), DurationSeconds="899")[1]["Message"]
        == "The DurationSeconds is invalid."
    )
    assert exchange_assertion(described(), saml_response(), Policy="{")[1]["Message"] == "Invalid Policy."
    assert exchange_assertion(described(), saml_response(), Policy="x" * 2049)[0] == "InvalidParameter.PolicySize"


@pytest.mark.parametrize(
    ("asserted", "asked", "expiration"),
    [("1800", None, "08:30:00"), ("7200", None, "09:00:00"), ("1800", "900", "08:15:00"), ("1800", "1801", None)],
)
def test_an_assertion_may_shorten_its_session(asserted: str, asked: str | None, expiration: str | None) -> None:
    """The attribute SessionDuration limits DurationSeconds, and is the default up to 3600 seconds."""
    more = {} if asked is None else {"DurationSeconds": asked}
    code, body = exchange_assertion(described(), saml_response(more=DURATION.format(asserted)), **more)
    if expiration is None:
        assert code == "InvalidParameter.DurationSeconds"
    else:
        assert body["Credentials"]["Expiration"] == f"2027-01-15T{expiration}Z"


def test_role_and_provider_come_in_either_order() -> None:
    """The attribute Role has two ARNs with a comma between them (RAM, SAML response for role-based SSO)."""
    assert exchange_assertion(described(), saml_response(role=f"{SAML}, {ROLE}"))[0] == ""


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (trust({"StringEquals": {"saml:recipient": RECIPIENT}}, Federated=[SAML]), ""),
        (trust({"StringEquals": {"saml:recipient": "x"}}, Federated=[SAML]), "NoPermission"),
        (trust(RAM=["*"]), "NoPermission"),
    ],
)
def test_the_role_must_trust_the_provider(document: dict[str, Any], code: str) -> None:
    """Principal Federated with a condition on saml:recipient (RAM, trust policies for SAML)."""
    assert exchange_assertion(described(trust=document), saml_response())[0] == code


def test_a_certificate_that_is_none_fails_the_load() -> None:
    """The error names the place."""
    with pytest.raises(FixtureError, match=r"saml_providers\[0\]\.certificates\[0\]"):
        InProcess(described(saml_provider(certificates=["x"])))


# -- the canonical form -----------------------------------------------------------------------------------------------

PREFIXES = st.sampled_from(["", "a", "b", "c"])
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=8)


@st.composite
def documents(draw: st.DrawFn, depth: int = 3, scope: frozenset[str] = frozenset()) -> str:
    """Return XML with namespaces declared, shadowed and left unused, attributes and escapes.

    Two prefixes never stand for one namespace: the standard library exchanges them then.
    """
    declared = {prefix: f"urn:{prefix}{draw(st.sampled_from('xy'))}" for prefix in draw(st.sets(PREFIXES, max_size=3))}
    inside = scope | declared.keys()
    prefix = draw(st.sampled_from(sorted(inside | {""})))
    name = f"{prefix}:e" if prefix else "e"
    parts = [f"xmlns{prefix and ':'}{prefix}='{uri}'" for prefix, uri in declared.items()]
    if draw(st.booleans()):
        parts.append(f"plain='{_escaped(draw(TEXTS))}&#10;&lt;'")
    others = sorted(inside - {""})[: draw(st.integers(0, 1))]
    parts += [f"{other}:at='{_escaped(draw(TEXTS))}'" for other in others]
    children = [_escaped(draw(TEXTS)), "<!-- c -->"] if draw(st.booleans()) else []
    if depth:
        children += [draw(documents(depth=depth - 1, scope=inside)) for _ in range(draw(st.integers(0, 2)))]
    return f"<{name} {' '.join(draw(st.permutations(parts)))}>{''.join(children)}</{name}>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;").replace("]]>", "")


@given(documents())
def test_the_canonical_form_is_that_of_another_implementation(text: str) -> None:
    """Without a PrefixList exclusive canonicalization 1.0 gives what the standard library's C14N 2.0 gives."""
    out = io.StringIO()
    ET.canonicalize(text, out=out)
    assert xml_signature.canonical(xml_signature.parse(text.encode())).decode() == out.getvalue()


def test_a_prefix_list_keeps_namespaces_that_are_not_used() -> None:
    """Exclusive XML Canonicalization 1.0, 2.1: the prefixes of InclusiveNamespaces are treated as inclusive ones."""
    root = xml_signature.parse(b"<a xmlns:b='urn:b' xmlns:c='urn:c' xmlns='urn:d'><b:e/></a>")
    (child,) = [each for each in root.children if isinstance(each, xml_signature.Element)]
    assert xml_signature.canonical(child) == b'<b:e xmlns:b="urn:b"></b:e>'
    assert xml_signature.canonical(child, ["c", "none"]) == b'<b:e xmlns:b="urn:b" xmlns:c="urn:c"></b:e>'
    assert xml_signature.canonical(child, [""]) == b'<b:e xmlns="urn:d" xmlns:b="urn:b"></b:e>'


@given(st.binary(max_size=60) | st.text(alphabet="<>/ab:='\"& xmlns?!-[]", max_size=60).map(str.encode))
def test_any_bytes_are_xml_or_refused(data: bytes) -> None:
    """Nothing but InvalidXml is raised about a client's bytes, and no element is without a name."""
    try:
        root = xml_signature.parse(data)
    except CryptoError:
        return
    assert root.name
