"""KMS and Secrets Manager, version 2016-01-20."""

from __future__ import annotations

from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.model import (
    access,
    attestation,
    certificate,
    client_key_signatures,
    data_key,
    import_token,
    instance,
    key,
    names,
    rates,
    sealing,
    secret,
    subscription,
)
from kms_mock.kms.model import policies as resource_policies
from kms_mock.rpc.api import Api, catalogue

# In the order in which an operation is looked for: what most tests call comes first.
_OPERATIONS = (
    "secret_values",
    "secrets",
    "ciphers",
    "keys",
    "data_keys",
    "aliases",
    "signatures",
    "key_versions",
    "key_material",
    "tags",
    "account",
    "access_points",
    "certificates",
    "client_keys",
    "instances",
    "key_policies",
    "network_rules",
    "policies",
    "secret_policies",
    "secret_rotation",
)

API = Api(
    "Kms",
    "2016-01-20",
    other_hosts=r"[a-z0-9-]+\.cryptoservice\.kms\.aliyuncs\.com",  # the gateways of KMS instances
    xml_root="KMS",
    context=Context,
    errors=catalogue(errors),
    common_errors=errors.ACCOUNT_TABLE,
    check_account=subscription.check_open,
    admit=rates.admit,
    inferred=inferred.EVERY_OPERATION,
    client_keys=client_key_signatures.ISSUED_CLIENT_KEYS,
    has_policies=resource_policies.has_policies,
    names_of=names.names_of,
    modules=[f"{__name__}.operations.{name}" for name in _OPERATIONS],
    resources=[
        access.access_points,
        access.network_rules,
        access.policies,
        attestation.challenge_keys,
        certificate.certificates,
        data_key.managed_data_keys,
        import_token.import_tokens,
        instance.instances,
        key.aliases,
        key.keys,
        rates.request_counts,
        sealing.service_keys,
        secret.recent_rotations,
        secret.secrets,
        subscription.subscriptions,
    ],
)
