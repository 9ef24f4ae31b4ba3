"""Rules of the dedicated gateway that no document states, each as a sentence for the page of operations."""

from __future__ import annotations

EVERY_OPERATION = (
    (
        "The gateway finds what is in the KMS instance that the host name names; behind another name, what is in the "
        "instances that the policies of the client key's access point are about."
    ),
    (
        "A client key is refused before its dates and after them with the code of a disabled AccessKey; a request whose "
        "Content-SHA256 is not that of its body as one with a wrong signature."
    ),
    "Error tables of single operations are not published: the errors are those of the shared gateway.",
    (
        "No page says on what other versions than the initial one the header `x-kms-migrationkeyversionid` may lead: any "
        "version of the key. The answer names in it the version that was used."
    ),
)
PADDING = (
    "PaddingMode is PKCS7_PADDING where CBC or ECB comes without one (help page Encrypt); elsewhere it is ignored."
)
ADVANCE_DECRYPT = "What a ciphertext names counts, whatever KeyId, Algorithm, Iv and PaddingMode say besides."
DATA_KEY_LENGTH = (
    "The help pages call NumberOfBytes required and do not bound it: here 0 and a missing one mean 32, and 1024 is the "
    "most, as in the shared gateway."
)
KEY_PAIR_FORM = (
    "A private data key is PKCS#8 and a public one SubjectPublicKeyInfo, as PEM unless KeyFormat says DER; what is "
    "encrypted is the private key in that form."
)
DIGEST = (
    "A digest has the 32 bytes of the algorithm's hash: the help pages allow up to 32, and no algorithm signs fewer. It is "
    "the Message of the type DIGEST, or the field Digest, which no client fills."
)
SIGNATURE_ALGORITHM = (
    "Without Algorithm it is the first of the key's spec (RSA_PSS_SHA_256 for RSA), as an older page had it; the newer one "
    "calls it required."
)
RANDOM = "GenerateRandom is about no key: every client key that is valid may call it."
HMAC = "The SDKs define the messages of Hmac and send them by no method; the algorithm is that of the key's spec."
