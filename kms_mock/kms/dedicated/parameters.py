"""The parameter types that only the dedicated gateway has."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from kms_mock.kms.dedicated.messages import InHeader
from kms_mock.rpc.binding import Sensitive

KeyVersionHeader = Annotated[
    str, Meta(max_length=64, description="in the header `x-kms-migrationkeyversionid`"), InHeader()
]
VersionInHeader = Annotated[str, InHeader()]
Aad = Annotated[bytes, Meta(max_length=8192)]
CipherAlgorithm = Literal[
    "AES_GCM",
    "AES_CBC",
    "AES_CTR",
    "AES_ECB",
    "SM4_GCM",
    "SM4_CBC",
    "SM4_CTR",
    "SM4_ECB",
    "RSAES_OAEP_SHA_256",
    "RSAES_OAEP_SHA_1",
    "SM2PKE",
]
DataKeyAlgorithm = Literal["AES_GCM", "SM4_GCM"]
KeyPairSpec = Literal["RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P256K"]
KeyFormat = Literal["PEM", "DER"]
MessageType = Literal["RAW", "DIGEST"]
Message = Annotated[bytes, Sensitive()]
RandomLength = Annotated[int, Meta(ge=1, le=64)]  # help page GenerateRandom of the KMS Instance API
