"""A store in which every field of every record that a fixture document holds has a value of its own.

A field may have its default in one sample when another sample of the same record has it set: a key that is planned for
deletion does not rotate.
"""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from typing import Any

import msgspec
from msgspec.structs import replace

from kms_mock.bss.renewals import Renewal, renewals
from kms_mock.crypto import csr, pem
from kms_mock.crypto import material as key_material
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.specs import KEY_SPECS
from kms_mock.defaults import DEFAULT_ACCOUNT, DEFAULT_REGION
from kms_mock.fixtures.base import policy_text
from kms_mock.identity.accounts import AccessKey, Account, AuthenticationSettings, accounts, settings
from kms_mock.identity.identities import (
    AttachedPolicy,
    Group,
    OidcKey,
    OidcProvider,
    RamPolicy,
    Role,
    SamlProvider,
    User,
    groups,
    oidc_providers,
    ram_policies,
    roles,
    saml_providers,
    users,
)
from kms_mock.identity.policies import Policy, parse_resource_policy
from kms_mock.identity.sessions import Session, sessions
from kms_mock.identity.system_policies import system_policy
from kms_mock.kms.model.access import (
    AccessPoint,
    AccessPolicy,
    ClientKey,
    NetworkRule,
    access_points,
    network_rules,
    policies,
)
from kms_mock.kms.model.arns import arn
from kms_mock.kms.model.certificate import Certificate, certificates
from kms_mock.kms.model.data_key import ManagedDataKey, ManagedDataKeyVersion, managed_data_keys
from kms_mock.kms.model.instance import BoundVpc, Instance, instances
from kms_mock.kms.model.key import Alias, Key, KeyVersion, aliases, keys
from kms_mock.kms.model.sealing import seal
from kms_mock.kms.model.secret import Secret, SecretVersion, secrets
from kms_mock.kms.model.subscription import Quotas, Subscription, subscriptions
from kms_mock.sources import Sources
from kms_mock.store.partition import Partition
from kms_mock.store.store import Store
from tests.support import pki
from tests.support.dedicated import client_key_document
from tests.support.keys import DAY
from tests.support.secrets import RDS_VALUE

OWNER, OTHER, REGION = "77", "88", "cn-beijing"
NOW = 1_800_000_000.0
RESOURCE_POLICY = policy_text(
    parse_resource_policy(
        json.dumps(
            {
                "Version": "1",
                "Statement": [
                    {"Effect": "Allow", "Principal": {"RAM": ["acs:ram::*:*"]}, "Action": "kms:*", "Resource": "*"}
                ],
            }
        )
    )
)
USER_POLICY = msgspec.convert(
    {
        "Version": "1",
        "Statement": [
            {
                "Sid": "read",
                "Effect": "Allow",
                "Action": "kms:Get*",
                "Resource": "*",
                "Condition": {"Bool": {"acs:SecureTransport": "true"}},
            },
            {"Effect": "Deny", "NotAction": "kms:Get*", "NotResource": "acs:kms:*:*:key/*"},
        ],
    },
    Policy,
)


def filled_store() -> Store:
    """Return a store with the samples of every kind of record."""
    store = Store(replace(Sources.seeded(7), now=lambda: NOW), DEFAULT_ACCOUNT, DEFAULT_REGION)
    store.server[settings].put(AuthenticationSettings(refuse_unknown_access_keys=True, verify_signatures=True))
    store.server[accounts].put(Account(OWNER, {"LTAI": AccessKey("LTAI", "s", False, "user", USER_POLICY)}))
    store.partition(OWNER, "")[subscriptions].put(
        Subscription(OWNER, "InDebt", Quotas(1, 2, 3, 4, 5, {"symmetric": 2}), real_name=False, orders_fail=True)
    )
    _put_identities(store.partition(OWNER, ""))
    store.server[sessions].put(
        Session("STS.a", "s", "t", OWNER, "role", "alice", NOW - 60, NOW + 840, USER_POLICY, "Alice")
    )
    partition = store.partition(OWNER, REGION)
    _put_instance(partition)
    partition[renewals].put(Renewal("kst-1", "AutoRenewal", 3, "Y"))
    _put_access(partition)
    _put_keys(partition)
    _put_data_key(partition)
    _put_secrets(partition)
    partition[certificates].put(_certificate(partition))
    store.commit()
    return store


def _put_identities(home: Partition) -> None:
    """Put one of each kind of RAM identity, with policies by name and inline."""
    by_name = system_policy("AliyunKMSReadOnlyAccess")
    assert by_name is not None
    attached = (
        AttachedPolicy("mine", USER_POLICY),
        AttachedPolicy("AliyunKMSReadOnlyAccess", by_name),
        AttachedPolicy("inline policy 3", USER_POLICY, inline=True),
    )
    trust = msgspec.convert(
        {
            "Version": "1",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {
                        "RAM": "*",
                        "Service": "ecs.aliyuncs.com",
                        "Federated": "acs:ram::77:oidc-provider/oidc",
                    },
                }
            ],
        },
        Policy,
    )
    pair = key_material.load("EC_P256", key_material.generate("EC_P256", Sources.seeded(8).stream()).to_bytes())
    private = pem.encode("PRIVATE KEY", pair.to_bytes())
    oidc_keys = (OidcKey("1", private, private=True), OidcKey("2", pair.public_key_pem()))
    home[ram_policies].put(RamPolicy("mine", USER_POLICY))
    home[users].put(User("user", "2001", attached))
    home[groups].put(Group("group", ("user",), attached))
    home[roles].put(Role("role", "3001", trust, attached, 7200))
    home[oidc_providers].put(OidcProvider("oidc", "https://issuer", ("client",), oidc_keys))
    home[saml_providers].put(SamlProvider("saml", "https://entity", (_issued()[2],)))


def _put_instance(partition: Partition) -> None:
    partition[instances].put(
        Instance(
            id="kst-1",
            arn=arn(partition, "keystore/kst-1"),
            owner=OTHER,
            created=NOW - 300 * DAY,
            kind="hardware",
            status="Disconnected",
            max_keys=None,
            max_secrets=3,
            deletion_protection=True,
            deletion_protection_description="in use",
            name="main",
            spec=2000,
            vpc_num=7,
            vpc="vpc-1",
            zones=("zone-a", "zone-b"),
            vswitches=("vsw-1",),
            bound_vpcs=(BoundVpc("vpc-2", "vsw-2", REGION, OTHER),),
            charge_type="PREPAY",
            log_storage=5,
            started=NOW - 200 * DAY,
            ends=NOW + 200 * DAY,
            is_default=True,
            backed_up=True,
            ca_certificate="PEM",
            tags={"team": "a"},
        )
    )


def _put_access(partition: Partition) -> None:
    rule = NetworkRule(
        "rule", arn(partition, "network/rule"), NOW - 9 * DAY, description="d", source_private_ip='[ "10.0.0.0/8" ]'
    )
    partition[network_rules].put(rule)
    partition[policies].put(
        AccessPolicy(
            name="policy",
            arn=arn(partition, "policy/policy"),
            created=NOW - 8 * DAY,
            permissions=("RbacPermission/Template/SecretUser",),
            resources=("secret/*",),
            scope="kst-1",
            access_control_rules='{ "NetworkRules": ["rule"] }',
            description="d",
        )
    )
    pair = key_material.load("RSA_2048", client_key_document()["private_key"].encode())
    client_key = ClientKey("KAAP.1", NOW - 6 * DAY, "PEM", NOW - 5 * DAY, NOW + 5 * DAY, pair)
    partition[access_points].put(
        AccessPoint(
            name="point",
            arn=arn(partition, "applicationaccesspoint/point"),
            created=NOW - 7 * DAY,
            policies_text='[ "policy" ]',
            description="d",
            client_keys={client_key.id: client_key},
        )
    )


def _material(spec_name: str, number: int) -> KeyMaterial:
    return key_material.load(spec_name, bytes([number]) * KEY_SPECS[spec_name].material_length)


def _version_id(number: int) -> str:
    return f"{number:08d}-2222-4333-8444-555555555555"


def _key(partition: Partition, key_id: str, spec_name: str, *materials: KeyMaterial | None, **fields: Any) -> Key:
    first = len(partition[keys]) * 10
    versions = {
        _version_id(number): KeyVersion(_version_id(number), NOW - 90 * DAY + number, material)
        for number, material in enumerate(materials, first)
    }
    usual = {
        "usage": KEY_SPECS[spec_name].default_usage,
        "created": NOW - 90 * DAY,
        "creator": OTHER,
        "versions": versions,
        "primary_version": list(versions)[-1],
    }
    return Key(id=key_id, arn=arn(partition, f"key/{key_id}"), spec_name=spec_name, **{**usual, **fields})


def _put_keys(partition: Partition) -> None:
    """Put a key that rotates, one with imported material that will be deleted, one to import, a key pair; an alias."""
    aes = [_material("Aliyun_AES_256", number) for number in range(3)]
    rotating = _key(
        partition,
        "rotating",
        "Aliyun_AES_256",
        aes[0],
        aes[1],
        description="d",
        tags={"team": "a"},
        policy=RESOURCE_POLICY,
        protection_level="HSM",
        instance_id="kst-1",
        storage_mechanism="HsmEncryptedDatabase",
        rotation_interval=30 * 86400,
        last_rotation=NOW - 40 * DAY,
        next_rotation=NOW - DAY,
    )
    partition[keys].put(rotating)
    deleted = _key(
        partition,
        "deleted",
        "Aliyun_AES_256",
        aes[2],
        origin="EXTERNAL",
        protection_level="HSM",
        state="PendingDeletion",
        deletion_date=NOW + 7 * DAY,
        deletion_protection=True,
        deletion_protection_description="in use",
        material_expires=NOW + 20 * DAY,
        former_digest=sha256(aes[2].to_bytes()).digest(),
        service="ecs",
    )
    partition[keys].put(deleted)
    awaited = {"origin": "EXTERNAL", "state": "PendingImport", "former_digest": bytes(32)}
    partition[keys].put(_key(partition, "awaited", "Aliyun_AES_256", None, **awaited))
    pair = key_material.generate("EC_SM2", Sources.seeded(3).stream())
    partition[keys].put(_key(partition, "pair", "EC_SM2", pair, usage=KEY_SPECS["EC_SM2"].usages[-1]))
    partition[aliases].put(Alias("alias/a", arn(partition, "alias/a"), "rotating"))


def _put_data_key(partition: Partition) -> None:
    versions = {
        name: ManagedDataKeyVersion(name, NOW - number * DAY, _material("Aliyun_AES_128", number))
        for number, name in enumerate(("v1", "v2"), 10)
    }
    partition[managed_data_keys].put(ManagedDataKey("dk", arn(partition, "datakey/dk"), NOW - 20 * DAY, versions))


def _version(partition: Partition, name: str, version_id: str, data: str, key_id: str | None = None) -> SecretVersion:
    sealed = seal(partition, name, version_id, data.encode(), key_id, at_rest=True)
    return SecretVersion(version_id, NOW - 30 * DAY, "binary" if key_id is None else "text", sealed)


def _secret(partition: Partition, name: str, *versions: SecretVersion, **fields: Any) -> Secret:
    usual = {
        "type": "Generic",
        "created": NOW - 60 * DAY,
        "updated": NOW - 50 * DAY,
        "creator": OTHER,
        "versions": {version.id: version for version in versions},
        "stages": {"ACSCurrent": versions[-1].id},
    }
    return Secret(name=name, arn=arn(partition, f"secret/{name}"), **{**usual, **fields})


def _put_secrets(partition: Partition) -> None:
    """Put a managed secret that rotates, one whose rotation failed, a binary one, and one whose key is deleted."""
    rds = {
        "type": "Rds",
        "extended_config": {"SecretSubType": "SingleUser", "DBInstanceId": "rm-1", "CustomData": {"k": "v"}},
        "rotation_interval": 7 * 86400,
    }
    partition[secrets].put(
        _secret(
            partition,
            "managed",
            _version(partition, "managed", "v1", RDS_VALUE, "rotating"),
            _version(partition, "managed", "v2", RDS_VALUE, "rotating"),
            stages={"ACSPrevious": "v1", "ACSCurrent": "v2", "mine": "v1"},
            description="d",
            tags={"team": "a"},
            policy=RESOURCE_POLICY,
            encryption_key_id="rotating",
            instance_id="kst-1",
            last_rotation=NOW - 9 * DAY,
            next_rotation=NOW + 2 * DAY,
            planned_delete=NOW + 30 * DAY,
            owning_service="rds",
            **rds,
        )
    )
    failed = _version(partition, "failed", "v1", RDS_VALUE)
    partition[secrets].put(_secret(partition, "failed", failed, next_rotation=None, **rds))
    partition[secrets].put(_secret(partition, "binary", _version(partition, "binary", "v1", "AAAA")))
    partition[keys].put(_key(partition, "lost", "Aliyun_AES_256", _material("Aliyun_AES_256", 99)))
    sealed = _secret(partition, "sealed", _version(partition, "sealed", "v1", "x", "lost"), encryption_key_id="lost")
    partition[keys].remove(partition[keys].find("lost"))
    partition[secrets].put(sealed)


@cache
def _issued() -> tuple[KeyMaterial, str, str, str]:
    """Return a key pair, its signing request, its certificate for another name, and the chain of that; made once."""
    pair = key_material.generate("EC_P256", Sources.seeded(5).stream())
    requests = [
        csr.build(pair, csr.subject_der(f"CN={name},OU=unit,O=company,C=CN"), [name], Sources.seeded(6).stream())
        for name in ("asked.example.com", "issued.example.com")
    ]
    authority = pki.root()
    return pair, requests[0], authority.issue(requests[1]), authority.pem


def _certificate(partition: Partition) -> Certificate:
    pair, request, certificate, chain = _issued()
    return Certificate(
        id="certificate",
        arn=arn(partition, "certificate/certificate"),
        material=pair,
        request=request,
        created=NOW - 4 * DAY,
        updated=NOW - 3 * DAY,
        status="INACTIVE",
        certificate=certificate,
        chain=chain,
        exportable=False,
        tags={"team": "a"},
    )
