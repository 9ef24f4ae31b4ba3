"""XML documents with a signature around an element (XML Signature 1.1, exclusive canonicalization 1.0).

Only what identity providers send with SAML assertions: one reference to the element that the signature is in, the
transforms enveloped-signature and exclusive canonicalization, RSA with SHA-256, SHA-384 or SHA-512. Everything else is
refused in words. Whoever reads a verified element reads the same tree that the digest was computed over.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NoReturn
from xml.parsers.expat import ExpatError, ParserCreate

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kms_mock.crypto import x509
from kms_mock.crypto.errors import CryptoError
from kms_mock.crypto.guard import passes

EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_XML: Final = "http://www.w3.org/XML/1998/namespace"
_DEEPEST: Final = 100
_MOST_NAMESPACES: Final = 50  # in scope of an element
_HASHES: Final[Mapping[str, type[hashes.HashAlgorithm]]] = MappingProxyType(
    {
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": hashes.SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": hashes.SHA384,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": hashes.SHA512,
    }
)
_DIGESTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
        "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
        "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
    }
)


class InvalidXml(CryptoError):  # noqa: N818 (reads as the fact it states, like the others)
    """A text that is no XML, or XML with what no assertion needs: a DOCTYPE, processing instructions, great depth."""


class InvalidXmlSignature(CryptoError):  # noqa: N818 (as above)
    """An element without a signature, or with one that does not verify or is made in a way that is not known here."""


class Element:
    """One element: its qualified name, attributes in document order, children, and the namespaces in scope by prefix."""

    __slots__ = ("attributes", "children", "name", "scope")

    def __init__(self, name: str, attributes: Mapping[str, str], scope: Mapping[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.scope = scope
        self.children: list[Element | str] = []

    def expanded(self, name: str, *, attribute: bool = False) -> tuple[str, str]:
        """Return the namespace and the local part of a qualified name in this element. Raises InvalidXml."""
        prefix, colon, local = name.rpartition(":")
        if attribute and not colon:
            return "", local
        uri = _XML if prefix == "xml" else self.scope.get(prefix, "")
        if colon and not uri:
            raise InvalidXml("a prefix has no namespace")
        return uri, local

    @property
    def tag(self) -> tuple[str, str]:
        """The element's namespace and local name."""
        return self.expanded(self.name)

    @property
    def text(self) -> str:
        """The text directly in the element, without blanks around it."""
        return "".join(child for child in self.children if isinstance(child, str)).strip()

    def elements(self, namespace: str, local: str) -> list[Element]:
        """Return the child elements of this name."""
        return [child for child in self.children if isinstance(child, Element) and child.tag == (namespace, local)]

    def walk(self) -> Iterator[Element]:
        """Yield the element and everything in it."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()


class _Builder:
    """Makes elements of what the parser reports."""

    def __init__(self) -> None:
        self.root = Element("", {}, {"": ""})
        self._open = [self.root]

    def start(self, name: str, listed: list[str]) -> None:
        """Begin an element; names and values of its attributes take turns in `listed`."""
        scope, declared, attributes = self._open[-1].scope, {}, {}
        for key, value in zip(listed[::2], listed[1::2], strict=True):
            if key == "xmlns" or key.startswith("xmlns:"):
                declared[key.partition(":")[2]] = value
            else:
                attributes[key] = value
        if declared:
            scope = {**scope, **declared}
        if len(scope) > _MOST_NAMESPACES or len(self._open) > _DEEPEST:
            raise InvalidXml(f"the XML has more than {_MOST_NAMESPACES} namespaces, or is more than {_DEEPEST} deep")
        element = Element(name, attributes, scope)
        self._open[-1].children.append(element)
        self._open.append(element)

    def end(self, _name: str) -> None:
        """End the element."""
        self._open.pop()

    def text(self, text: str) -> None:
        """Add text to the element."""
        self._open[-1].children.append(text)

    def refuse(self, *_: object) -> NoReturn:
        """Refuse what is no part of an assertion."""
        raise InvalidXml("the XML has a DOCTYPE or a processing instruction")


def parse(data: bytes) -> Element:
    """Read a document into elements, comments left out. Raises InvalidXml."""
    builder, parser = _Builder(), ParserCreate()
    parser.ordered_attributes = True
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = parser.ProcessingInstructionHandler = builder.refuse
    try:
        parser.Parse(data, True)
    except InvalidXml:
        raise
    except (ExpatError, ValueError, LookupError):
        raise InvalidXml("the text is not XML") from None
    return next(child for child in builder.root.children if isinstance(child, Element))


# -- canonical form ---------------------------------------------------------------------------------------------------


def canonical(element: Element, inclusive: Iterable[str] = (), leave_out: Element | None = None) -> bytes:
    """Return the exclusive canonical form of an element; `inclusive` are the prefixes of InclusiveNamespaces PrefixList."""
    out: list[str] = []
    _write(element, {}, frozenset(inclusive), leave_out, out)
    return "".join(out).encode()


def _write(
    element: Element,
    rendered: Mapping[str, str],
    inclusive: frozenset[str],
    leave_out: Element | None,
    out: list[str],
) -> None:
    if element is leave_out:
        return
    used = {element.name.rpartition(":")[0]} | {name.rpartition(":")[0] for name in element.attributes if ":" in name}
    prefixes = (used | (inclusive & element.scope.keys())) - {"xml"}
    new = {
        prefix: element.scope.get(prefix, "")
        for prefix in sorted(prefixes)
        if element.scope.get(prefix, "") != rendered.get(prefix, "")
    }
    out.append(f"<{element.name}")
    out += [f' xmlns{prefix and ":"}{prefix}="{_attribute(uri)}"' for prefix, uri in new.items()]
    ordered = sorted(element.attributes.items(), key=lambda pair: element.expanded(pair[0], attribute=True))
    out += [f' {name}="{_attribute(value)}"' for name, value in ordered]
    out.append(">")
    for child in element.children:
        if isinstance(child, str):
            out.append(_text(child))
        else:
            _write(child, {**rendered, **new}, inclusive, leave_out, out)
    out.append(f"</{element.name}>")


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")


def _attribute(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return text.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")


# -- signatures -------------------------------------------------------------------------------------------------------


def is_signed(element: Element) -> bool:
    """Return whether an element has a signature of its own."""
    return bool(element.elements(_DS, "Signature"))


def verify(document: Element, element: Element, certificates: Iterable[str]) -> None:
    """Check the signature in an element of a document with one of these certificates (PEM). Raises InvalidXmlSignature."""
    signature = _only(element, "Signature")
    info = _only(signature, "SignedInfo")
    reference = _only(info, "Reference")
    element_id = element.attributes.get("ID", "")
    if not element_id or reference.attributes.get("URI") != f"#{element_id}":
        raise InvalidXmlSignature("the signature is not about the element that it is in")
    if sum(each.attributes.get("ID") == element_id for each in document.walk()) != 1:
        raise InvalidXmlSignature("the id of the signed element is there more than once")
    content = canonical(element, _prefixes_of_transforms(reference), leave_out=signature)
    digest = _DIGESTS.get(_algorithm(_only(reference, "DigestMethod")))
    if digest is None:
        raise InvalidXmlSignature("the digest is made with another algorithm than SHA-256, SHA-384 or SHA-512")
    if hashlib.new(digest, content).digest() != _base64(_only(reference, "DigestValue")):
        raise InvalidXmlSignature("the digest does not match: the signed element was changed")
    method = _only(info, "CanonicalizationMethod")
    if _algorithm(method) != EXCLUSIVE:
        raise InvalidXmlSignature("SignedInfo has another canonicalization than the exclusive one")
    algorithm = _HASHES.get(_algorithm(_only(info, "SignatureMethod")))
    if algorithm is None:
        raise InvalidXmlSignature("the signature is made with another algorithm than RSA with SHA-256, -384 or -512")
    signed, value = canonical(info, _prefixes(method)), _base64(_only(signature, "SignatureValue"))
    for certificate in certificates:
        for key in (each.parsed.public_key() for each in x509.load_certificates(certificate)):
            if isinstance(key, rsa.RSAPublicKey) and passes(key.verify, value, signed, padding.PKCS1v15(), algorithm()):
                return
    raise InvalidXmlSignature("the signature was made with none of the provider's certificates")


def _only(parent: Element, local: str) -> Element:
    found = parent.elements(_DS, local)
    if len(found) != 1:
        raise InvalidXmlSignature(f"{parent.tag[1]} has {len(found)} elements {local}, expected one")
    return found[0]


def _prefixes_of_transforms(reference: Element) -> list[str]:
    """Return the prefixes of the canonicalization among the transforms. Raises InvalidXmlSignature for other transforms."""
    transforms = _only(reference, "Transforms").elements(_DS, "Transform")
    if [_algorithm(each) for each in transforms] != [_ENVELOPED, EXCLUSIVE]:
        raise InvalidXmlSignature("the transforms are not enveloped-signature and exclusive canonicalization")
    return _prefixes(transforms[1])


def _prefixes(method: Element) -> list[str]:
    found = method.elements(EXCLUSIVE, "InclusiveNamespaces")
    listed = " ".join(each.attributes.get("PrefixList", "") for each in found).split()
    return ["" if prefix == "#default" else prefix for prefix in listed]


def _algorithm(element: Element) -> str:
    return element.attributes.get("Algorithm", "")


def _base64(element: Element) -> bytes:
    try:
        return base64.b64decode("".join(element.text.split()), validate=True)
    except ValueError:
        raise InvalidXmlSignature(f"{element.tag[1]} is not Base64") from None
