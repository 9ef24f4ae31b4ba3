"""Why a signature does not match: the mistakes people make are tried one by one.

If the given signature fits one of them, the client's string to sign is known, and the reason tells where it first differs
from the server's. A reason holds neither an AccessKey secret nor a parameter's value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from urllib.parse import parse_qsl, quote, quote_plus, unquote

from msgspec.structs import replace

from kms_mock.rpc.canonical import Encoder, Recipe, encode, sha256_hex, utf8
from kms_mock.rpc.signed_request import SignedRequest, quoted

TOKEN = re.compile(r"%(?:25)*[0-9A-F]{2}|.", re.DOTALL | re.IGNORECASE)
QUERY_LINE = 2  # of a canonical request, counted from 0: method, path, query, headers
LONGEST_TEXT = (
    32_768  # characters; some forty texts are written and compared on the event loop, 2 ms each at this length
)


def _lower_case(text: str) -> str:
    return re.sub("%..", lambda escape: escape[0].lower(), encode(text))


ENCODERS: Mapping[str, Encoder] = {
    "encoded a blank as +": lambda text: quote_plus(utf8(text)),
    "left / unencoded": lambda text: quote(utf8(text), safe="/"),
    "left * unencoded": lambda text: quote(utf8(text), safe="*"),
    "left ! ' ( ) * unencoded": lambda text: quote(utf8(text), safe="!'()*"),  # JavaScript's encodeURIComponent
    "encoded ~ as %7E": lambda text: encode(text).replace("~", "%7E"),
    "encoded as a form does": lambda text: quote_plus(utf8(text), safe="*").replace("~", "%7E"),  # Java's URLEncoder
    "encoded in lower case": _lower_case,  # .NET
    "did not encode names and values": str,
}


def _mistakes(request: SignedRequest, right: Recipe, secret: bytes) -> Iterator[tuple[str, Recipe]]:
    """Yield the mistakes that people make when they sign on their own, each as the recipe it leads to."""
    is_rpc = right.covers_parameters_only
    other = "GET" if request.method == "POST" else "POST"
    yield f"signed the method {other}", replace(right, method=other)
    for mistake, encoder in ENCODERS.items():
        yield mistake, replace(right, encode=encoder)
        if is_rpc:
            yield mistake, replace(right, encode=encoder, encode_again=encoder)
    form = request.form if is_rpc else ()
    received = (*request.query, *form)
    plus_kept = parse_qsl(request.raw_query.replace("+", "%2B"), keep_blank_values=True)
    yield "did not sort the parameters", replace(right, pairs=received)
    yield "sorted without regard to case", replace(right, pairs=sorted(received, key=lambda pair: pair[0].lower()))
    yield "left out empty parameters", replace(right, pairs=[pair for pair in right.pairs if pair[1]])
    yield "sent + in the URL, a blank, for a plus sign", replace(right, pairs=sorted((*plus_kept, *form)))
    if is_rpc:
        yield "did not encode the joined parameters again", replace(right, encode_again=str)
        yield "left & between the parameters unencoded", replace(right, encode_again=_leaving_ampersands)
        yield "left out the form parameters", replace(right, pairs=sorted(request.query))
        if right.scheme == "HMAC-SHA1":
            yield "left out the & that ends the key", replace(right, key=secret)
        return
    yield "put the form parameters into the query", replace(right, pairs=sorted((*request.query, *request.form)))
    yield "used the hash of an empty body", replace(right, payload=sha256_hex(b""))
    yield "signed with the secret itself, not the derived key,", replace(right, key=secret)
    bare = [(name, value.rpartition(":")[0] if name == "host" else value) for name, value in right.headers]
    yield "signed a Host without its port", replace(right, headers=bare)


def _leaving_ampersands(text: str) -> str:
    return quote(utf8(text), safe="~&")


def explanation(request: SignedRequest, right: Recipe, given: str, secret: bytes) -> str:
    """Return why the signature `given` does not match, as exactly as can be told."""
    absent = [quoted(name) for name, _ in right.headers if request.header(name) is None]
    if absent:
        return f"SignedHeaders names headers that did not arrive: {', '.join(absent[:5])}"
    if any(right.matches(each) for each in (given.replace(" ", "+"), unquote(given), given.lower())):
        return "the signature itself is right but was URL-encoded too often or not at all, or is in capitals"
    for mistake, wrong in _mistakes(request, right, secret) if len(right.text) <= LONGEST_TEXT else ():
        if wrong.matches(given):
            return "; ".join(filter(None, (f"the client {mistake}", first_difference(right.text, wrong.text))))
    return (
        f"most likely the client's {_key_of(request, right)}; else the request changed after it was signed: "
        "compare the string to sign in the error's Message with the client's"
    )


def _key_of(request: SignedRequest, right: Recipe) -> str:
    """Return which key the client should have signed with. Its id is shown whole, because it is a known one."""
    signer = ascii(request.access_key_id)
    if right.scheme == "SHA256withRSA":
        return f"private key is not that of ClientKey {signer}"
    if request.access_key_id.startswith("STS."):
        return f"secret is not the one that came with the temporary AccessKey id {signer}"
    return f"secret is not that of AccessKey {signer} in the fixture file"


def first_difference(server: str, client: str) -> str:
    """Return where two strings to sign, or two canonical requests, first differ; "" if they are equal.

    Of the values it shows one character (or its percent-encoding) on each side, no more.
    """
    position = 0
    for ours, theirs in zip_longest(TOKEN.findall(server), TOKEN.findall(client), fillvalue=""):
        if ours != theirs:
            sides = [ascii(token) if token else "its end" for token in (ours, theirs)]
            where = f"the strings first differ at character {position + 1}, in {_place(server, position)}"
            return f"{where}: the server has {sides[0]}, the client {sides[1]}"
        position += len(ours)
    return ""


def _place(text: str, position: int) -> str:
    """Name the place in a string to sign (one line) or canonical request (many lines) at a position."""
    line, start = text.count("\n", 0, position), text.rfind("\n", 0, position) + 1
    content = text[start:].partition("\n")[0]
    if "\n" in text and line != QUERY_LINE:
        return f"header {quoted(content.partition(':')[0])}" if ":" in content else f"line {line + 1}"
    between, equals = ("&", "=") if "\n" in text else ("%26", "%3D")
    start = max([start, *(text.rfind(mark, start, position) + len(mark) for mark in ("&", between))])
    return f"parameter {quoted(unquote(text[start:].partition(equals)[0]))}"
