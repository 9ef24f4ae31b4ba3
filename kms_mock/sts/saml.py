"""SAML responses: their signature, times, audience and recipient, and what they say about a role.

Sources: RAM, "AssumeRoleWithSAML" and "SAML response for role-based SSO" (the elements and attributes that must be
there); SAML 2.0 Core, 2.5 (conditions) and 2.4.1.2 (subject confirmation).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from kms_mock.crypto.errors import CryptoError
from kms_mock.identity.identities import SamlProvider
from kms_mock.rpc.errors import ApiError
from kms_mock.store.times import parse_iso
from kms_mock.sts import errors

if TYPE_CHECKING:
    from kms_mock.crypto.xml_signature import Element

_ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
_PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_FORMAT = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
AUDIENCES = ("urn:alibaba:cloudcomputing", "urn:alibaba:cloudcomputing:international")
ATTRIBUTE_ROLE = "https://www.aliyun.com/SAML-Role/Attributes/Role"
ATTRIBUTE_SESSION_NAME = "https://www.aliyun.com/SAML-Role/Attributes/RoleSessionName"
ATTRIBUTE_DURATION = "https://www.aliyun.com/SAML-Role/Attributes/SessionDuration"


class Assertion(Struct, frozen=True):
    """What a verified assertion says; `roles` are pairs of the ARNs of a role and of its provider, `duration` in seconds."""

    issuer: str
    subject: str
    subject_type: str
    recipient: str
    session_name: str
    roles: tuple[tuple[str, str], ...]
    duration: str | None


def check_assertion(provider: SamlProvider, text: str, now: float) -> Assertion:
    """Return what a response (Base64) of a provider asserts. Raises SAML_METADATA, SAML_INVALID, SAML_EXPIRED."""
    from kms_mock.crypto import xml_signature  # noqa: PLC0415 (loads X.509, which few runs need)

    if not provider.certificates:
        raise errors.SAML_METADATA(f"SAML provider {provider.name} has no certificates in the fixture file.")
    try:
        response = xml_signature.parse(_decoded(text))
        assertion = _assertion_in(response)
        signed = assertion if xml_signature.is_signed(assertion) else response
        xml_signature.verify(response, signed, provider.certificates)
        return _read(provider, assertion, now)
    except CryptoError as error:
        raise _invalid(str(error)) from None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise _invalid("SAMLAssertion is not Base64") from None


def _assertion_in(response: Element) -> Element:
    if response.tag != (_PROTOCOL, "Response"):
        raise _invalid("the document is not a SAML response")
    found = response.elements(_ASSERTION, "Assertion")
    if len(found) != 1:
        raise _invalid(f"the response has {len(found)} assertions, expected one that is not encrypted")
    return found[0]


def _read(provider: SamlProvider, assertion: Element, now: float) -> Assertion:
    issuer = _single(assertion, "Issuer").text
    if issuer != provider.entity_id:
        raise _invalid(f"the issuer is not the entity id of SAML provider {provider.name}")
    subject = _single(assertion, "Subject")
    confirmation = _single(_bearer(subject), "SubjectConfirmationData")
    _check_time(confirmation, now)
    if "NotOnOrAfter" not in confirmation.attributes or "Recipient" not in confirmation.attributes:
        raise _invalid("SubjectConfirmationData lacks NotOnOrAfter or Recipient")
    conditions = _single(assertion, "Conditions")
    _check_time(conditions, now)
    audiences = {each.text for each in _single(conditions, "AudienceRestriction").elements(_ASSERTION, "Audience")}
    if audiences.isdisjoint(AUDIENCES):
        raise _invalid(f"the audience is not {AUDIENCES[0]}")
    name = _single(subject, "NameID")
    return Assertion(
        issuer=issuer,
        subject=name.text,
        subject_type=name.attributes.get("Format", "").removeprefix(_FORMAT),
        recipient=confirmation.attributes["Recipient"],
        session_name=next(_values(assertion, ATTRIBUTE_SESSION_NAME), ""),
        roles=tuple(_pair(value) for value in _values(assertion, ATTRIBUTE_ROLE)),
        duration=next(_values(assertion, ATTRIBUTE_DURATION), None),
    )


def _bearer(subject: Element) -> Element:
    for found in subject.elements(_ASSERTION, "SubjectConfirmation"):
        if found.attributes.get("Method") == _BEARER:
            return found
    raise _invalid("the subject has no confirmation with the method bearer")


def _check_time(element: Element, now: float) -> None:
    """Check NotBefore and NotOnOrAfter of an element, as far as it has them."""
    limits = {}
    for name in ("NotBefore", "NotOnOrAfter"):
        text = element.attributes.get(name)
        try:
            limits[name] = None if text is None else parse_iso(text)
        except (ValueError, OverflowError):
            raise _invalid(f"{name} is not a time") from None
    first, last = limits["NotBefore"], limits["NotOnOrAfter"]
    if first is not None and now < first:
        raise _invalid(f"NotBefore of {element.tag[1]} is in the future")
    if last is not None and now >= last:
        raise errors.SAML_EXPIRED(f"NotOnOrAfter of {element.tag[1]} is over by the clock of this server.")


def _pair(value: str) -> tuple[str, str]:
    """Return role and provider of an attribute value, which has them in either order with a comma between them."""
    first, _, second = (each.strip() for each in value.partition(","))
    return (second, first) if ":saml-provider/" in first else (first, second)


def _values(assertion: Element, name: str) -> Iterator[str]:
    for statement in assertion.elements(_ASSERTION, "AttributeStatement"):
        for attribute in statement.elements(_ASSERTION, "Attribute"):
            if attribute.attributes.get("Name") == name:
                yield from (each.text for each in attribute.elements(_ASSERTION, "AttributeValue"))


def _single(parent: Element, local: str) -> Element:
    found = parent.elements(_ASSERTION, local)
    if len(found) != 1:
        raise _invalid(f"{parent.tag[1]} has {len(found)} elements {local}, expected one")
    return found[0]


def _invalid(what: str) -> ApiError:
    return errors.SAML_INVALID(f"SAML: {what}.")
