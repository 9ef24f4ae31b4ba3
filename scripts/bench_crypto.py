"""Cryptographic operations: a second against the bare server, the CPU of a signature, and who waits for a new RSA key."""

from __future__ import annotations

import base64
import math
from typing import Any

from bench_rows import Ratio
from bench_tools import (
    GET,
    ask,
    asked_meanwhile,
    compare_times,
    compare_with_bare,
    cost_of,
    fixture,
    keys,
    load,
    mock,
    repeat,
    report,
    request,
    rounds_of,
    running,
    serve_command,
)

DIGEST = base64.b64encode(bytes(range(32))).decode()
# Of each curve or size: its key in `signing_keys`, and what is asked of it.
SIGNING = {
    spec: {
        "KeyId": f"key-{spec}",
        "KeyVersionId": f"66666666-7777-4888-8999-00000000000{number}",
        "Algorithm": algorithm,
        "Digest": DIGEST,
    }
    for number, (spec, algorithm) in enumerate(
        {"RSA_2048": "RSA_PSS_SHA_256", "EC_P256": "ECDSA_SHA_256", "EC_SM2": "SM2DSA"}.items()
    )
}


def signing_keys() -> list[dict[str, Any]]:
    """Return the part of a document that has a key for each entry of SIGNING."""
    return [
        {"id": entry["KeyId"], "spec": spec, "usage": "SIGN/VERIFY", "versions": [{"id": entry["KeyVersionId"]}]}
        for spec, entry in SIGNING.items()
    ]


def sign_and_verify(port: int, spec: str) -> dict[str, bytes]:
    """Return a request to sign with a server's key, and one that verifies what it signed."""
    sign = request("AsymmetricSign", **SIGNING[spec])
    value = ask(port, sign)["Value"]
    return {"AsymmetricSign": sign, "AsymmetricVerify": request("AsymmetricVerify", **SIGNING[spec], Value=value)}


def ciphers() -> None:
    """Encrypt, Decrypt and GenerateDataKey of 1 KiB against the bare server; CreateKey against GetSecretValue."""
    with fixture(keys(10)) as path, running(*serve_command("--fixture", path)) as server:
        port = server.port
        encrypt = request("Encrypt", KeyId="alias/key-5", Plaintext="x" * 1024)
        blob = ask(port, encrypt)["CiphertextBlob"]
        data_key = request("GenerateDataKey", KeyId="alias/key-5", NumberOfBytes=1024)
        compare_with_bare(
            server,
            (
                ("Encrypt of 1 KiB, req/s", ">= 0.62", encrypt),
                ("GenerateDataKey of 1 KiB, req/s", ">= 0.62", data_key),
                ("Decrypt of 1 KiB, req/s", ">= 0.50", request("Decrypt", CiphertextBlob=blob)),
            ),
        )
        compare_times(
            "CreateKey (symmetric) / GetSecretValue, time",
            "<= 2",
            lambda: 1 / load(port, request("CreateKey")),
            lambda: 1 / load(port, GET),
        )


def sm2() -> None:
    """The server's CPU for a signature of SM2, and for its verification; the goals are absolute."""
    with fixture({"keys": signing_keys()}) as path, running(*serve_command("--fixture", path)) as server:
        if math.isnan(server.cpu()):
            print("AsymmetricSign EC_SM2: not measured, for only Linux tells the CPU time of another process")
            return
        requests = sign_and_verify(server.port, "EC_SM2")
        for action, goal in (("AsymmetricSign", "<= 0.35"), ("AsymmetricVerify", "<= 0.9")):
            found = repeat(lambda a=action: cost_of(server, requests[a]).cpu * 1000, 7)  # type: ignore[misc]
            report(f"{action} EC_SM2, CPU of one, ms", found, goal, "with all of the request")


def generation() -> None:
    """How long GetSecretValue takes at the worst while four RSA_3072 keys are being made."""
    create = request("CreateKey", KeySpec="RSA_3072")
    with fixture(keys(10)) as path, mock("--fixture", path) as port:
        ask(port, GET)
        found = [asked_meanwhile(port, GET, [create] * 4) for _ in range(rounds_of(3))]
    p99 = Ratio.of([answered.percentile(99) * 1000 for answered in found])
    slowest = max(max(answered.times) for answered in found) * 1000
    report("GetSecretValue p99 while 4 RSA_3072 are made, ms", p99, "<= 20", f"slowest {slowest:.0f} ms")


def main() -> None:
    """Measure, and print a row for each."""
    ciphers()
    sm2()
