"""Rules that no document states and that several operations share, each as a sentence for the page of operations."""

from __future__ import annotations

# -- of every operation -----------------------------------------------------------------------------------------------
EVERY_OPERATION = (
    (
        "A request with a ciphertext names no key, so a key of another account is found too; whether the caller may use it "
        "is up to the policy of that key."
    ),
    "The account itself can always read and set the policies of its keys and secrets, so that nobody is locked out.",
    "Policies compare resources and principals with regard to case.",
    (
        "An operation that names no resource needs its permission on the container of its resources, such as `key` for "
        "ListKeys. The containers of instances, network rules, policies and access points follow their ARNs; `*` stands "
        "where there is no resource at all."
    ),
    (
        "A client key may call what does in the RPC API what its access point allows in the Instance API, and no other "
        "product; outside its dates it is refused as an AccessKey that is not enabled."
    ),
    (
        "A policy of an access point without network rules admits every address; a network rule that does not exist, or "
        "has no address, admits none. The scope `shared` is no limit."
    ),
    (
        "Policies of keys and secrets are about principals of RAM, so they allow and deny an access point nothing; its "
        "permission to read a secret covers the key that encrypts the secret."
    ),
    "A KeyId of more than 512 characters, longer than any id, ARN or alias, is not valid rather than not found.",
    "A signed request is checked in this order: form, time, AccessKey id, signature.",
    (
        "A key in a KMS instance that does not work is refused as Rejected.Unavailable: no page defines when the service "
        "answers that."
    ),
)

NO_TABLE = "No error table is published: the errors are those of sibling operations."

# -- keys -------------------------------------------------------------------------------------------------------------
ALIAS_ACCOUNT = "An alias never leaves its account: a key of another account is refused as not found."
DATA_KEY_LENGTH = "The length of a data key is NumberOfBytes, else that of KeySpec, else that of AES_256; a NumberOfBytes of 0 is none."
HMAC_SPECS = (
    "No document names the specs and the usage of HMAC keys: there is one spec for each algorithm of GenerateMac, and "
    "the usage is GENERATE/VERIFY_MAC."
)
HMAC_ROTATION = (
    "HMAC keys do not rotate: an authentication code names no key version, so after a rotation none could be verified."
)
KEY_INTERVAL = (
    "The rotation interval of every key is 7 to 730 days. The documents of 2025 say 7 to 365 days in instances and 365 "
    "outside, older ones 7 to 730: the widest range refuses nobody who is right by any of them."
)
MANAGED_DATA_KEY_NOT_FOUND = (
    "No document names the error for a missing managed data key or a missing version of one: it is that of secrets, as "
    "which the service keeps the versions."
)
POLICY_IN_INSTANCE = "A policy for a key or secret outside KMS instances is refused at its creation, as SetKeyPolicy and SetSecretPolicy do."

# -- secrets ----------------------------------------------------------------------------------------------------------
STAGE_AND_VERSION = "A request that names both a stage and a version id finds the version only if the stage marks it."
SSH_KEYS = "The SSH keys of an ECS secret are ECDSA P-256 keys: the documents show an ssh-rsa value, but leave the algorithm open."

# -- certificates -----------------------------------------------------------------------------------------------------
CERTIFICATE_NOT_FOUND = "The published error table lacks Certificate.NotFound, which must be an oversight."
CERTIFICATE_KEY_USAGES = "The key usages of a certificate rule which signatures and ciphertexts are made from now on, not what was made before."
CERTIFICATE_PENDING = "A certificate that waits for its import (PENDING) leaves that status by UploadCertificate alone."

# -- the account ------------------------------------------------------------------------------------------------------
ACCOUNT_STATUSES = (
    "DescribeAccountKmsStatus knows four statuses: an account that is overdue or under risk control is Suspended there, "
    "one that its partner does not let use KMS is NotEnabled."
)

# -- KMS instances ----------------------------------------------------------------------------------------------------
INSTANCE_OWNER = "Only the account that owns a KMS instance may do this, not those with which it is shared."
INSTANCE_CA = "The CA certificate of a KMS instance lives for 20 years."
INSTANCE_VPCS = "The VPC of a KMS instance and the further ones count together against the number that it may have."

# -- access of applications -------------------------------------------------------------------------------------------
ACCESS_NOT_FOUND = (
    "A missing access point, policy or network rule is refused with the code that terraform-provider-alicloud expects; "
    "the text is that of secrets."
)
ACCESS_IN_USE = (
    "What is in use is deleted all the same: the documents warn of the effect and have no error for it, and Terraform "
    "renames by deleting first."
)
CLIENT_KEY_ARN = "A client key has no ARN of its own: permissions are checked on its access point."
