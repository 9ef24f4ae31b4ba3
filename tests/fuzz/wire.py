"""Bytes on sockets: damaged, split, pipelined requests, and the answers to them."""

from __future__ import annotations

import asyncio
import random

from kms_mock.rpc.decode import HttpRequest
from kms_mock.server.special import PREFIX
from tests.fuzz.damage import damaged_bytes
from tests.fuzz.steps import WireStep

_PATIENCE = 10.0  # seconds; an answer takes milliseconds
_HEADERS = (
    b"Content-Length: 5\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Expect: 100-continue\r\n",
    b"Expect: something\r\n",
    b"Connection: close\r\n",
    b"Connection: upgrade\r\nUpgrade: websocket\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Host: \xff\xfe\r\n",
    b"Host: a b\r\n",
    b"X: " + b"y" * 9000 + b"\r\n",
    b"X\x00: y\r\n",
    b" folded: yes\r\n",
    b": nameless\r\n",
    b"no colon\r\n",
    b"x-acs-action: \xe4\xb8\xad\r\n",
    b"Authorization: ACS3-HMAC-SHA256 Credential=,SignedHeaders=;;,Signature=\r\n",
    b"Content-Type: multipart/form-data; boundary=x\r\n",
    b"Accept: application/xml\r\n",
    b"Sec-Fetch-Site: cross-site\r\n",
)
_LINES = (
    b"GET / HTTP/1.1",
    b"GET http://kms.cn-hangzhou.aliyuncs.com/?Action=ListKeys&Version=2016-01-20 HTTP/1.1",
    b"CONNECT kms.cn-hangzhou.aliyuncs.com:443 HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"GET //evil HTTP/1.1",
    b"GET /?%zz=%&=&& HTTP/1.1",
    b"GET /\xff?\xff HTTP/1.1",
    b"POST / HTTP/1.0",
    b"POST / HTTP/2.0",
    b"PRI * HTTP/2.0",
    b"GET http://100.100.100.200/latest/meta-data/ram/security-credentials/x HTTP/1.1",
    b"PUT http://100.100.100.200/latest/api/token HTTP/1.1",
    b"GET /_kms_mock/credentials?role=\xff&account= HTTP/1.1",
    b"GET /",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)


def serialized(http: HttpRequest, more: bytes = b"") -> bytes:
    """Return a request as bytes; `more` are further header lines."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in http.headers.items())
    length = f"Content-Length: {len(http.body)}\r\n" if http.body or http.method == "POST" else ""
    head = f"{http.method} {http.target} HTTP/1.1\r\n{lines}{length}"
    return head.encode("utf-8", "surrogatepass") + more + b"\r\n" + http.body


def chunked(http: HttpRequest, chance: random.Random) -> bytes:
    """Return a request with its body in chunks, mostly with something wrong in them."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in http.headers.items())
    head = f"POST {http.target} HTTP/1.1\r\n{lines}Transfer-Encoding: chunked\r\n\r\n".encode("utf-8", "surrogatepass")
    body = http.body or b"a=b"
    size = b"%x" % (len(body) + chance.choice((0, 0, 0, 1, -1, 1000)))
    ending = chance.choice(
        (b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"", b"-1\r\n\r\n", b"zz\r\n\r\n", b"0\n\n")
    )
    extension = chance.choice((b"", b"", b";a=b", b";" + b"x" * 5000, b" "))
    return head + size + extension + b"\r\n" + body + b"\r\n" + ending


def make_step(requests: list[HttpRequest], chance: random.Random) -> WireStep:
    """Return a step that sends these requests on one connection, in some way or other."""
    pieces = []
    for http in requests:
        action = chance.randrange(8)
        if action == 0:
            pieces.append(chunked(http, chance))
        elif action == 1:
            pieces.append(serialized(http, b"".join(chance.sample(_HEADERS, chance.randrange(1, 4)))))
        elif action == 2:
            pieces.append(chance.choice(_LINES) + serialized(http)[serialized(http).index(b"\r\n") :])
        elif action == 3:
            pieces.append(f"{chance.choice(('GET', 'PUT', 'POST', 'HEAD'))} {PREFIX}".encode() + _control(chance))
        else:
            pieces.append(serialized(http))
    data = b"".join(pieces)
    if chance.random() < 0.6:
        data = damaged_bytes(data, chance)
    if chance.random() < 0.4:
        places = sorted(chance.sample(range(len(data) + 1), min(len(data), chance.randrange(1, 6))))
        return WireStep(tuple(data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)))
    return WireStep((data,))


def _control(chance: random.Random) -> bytes:
    name = chance.choice((b"health", b"state", b"clock", b"requests", b"faults", b"", b"nothing"))
    return name + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


async def send_and_read(port: int, writes: tuple[bytes, ...]) -> bytes | None:
    """Send bytes on a connection of its own and close this side; return what came, None if the server kept it open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(_PATIENCE):
            for data in writes:
                writer.write(data)
                if len(writes) > 1:
                    await asyncio.sleep(0)
            writer.write_eof()
            return await reader.read()
    except TimeoutError:
        return None
    except OSError:  # a reset
        return b""
    finally:
        writer.transport.abort()


def parse(data: bytes) -> list[tuple[int, str, bytes]]:
    """Return status, content type and body of each answer; of one that was cut off the body is what came."""
    answers = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        if data.startswith(b"HTTP/"):  # the answer to HEAD has a length and no body
            length = 0
        body, data = data[:length], data[length:]
        if len(body) == length and status != 100:
            answers.append((status, headers.get("content-type", ""), body))
    return answers
