"""Sends what the provider aliyun/alicloud of Terraform sends for a folder of .tf files, request by request.

The provider's KMS resources send each request by tea-rpc: POST, system parameters and signature in the query, the API's in
the body. It assumes roles by credentials-go, always over https, and asks who it is by the SDK V1 for Go. Arguments are
the files, in the order in which Terraform merges them; what the provider's block does not say comes from the environment.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import ssl
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

BSS = {"ProductCode": "kms", "ProductType": "kms_ddi_public_cn"}
ENDPOINTS = {
    "kms": "kms.{region}.aliyuncs.com",
    "sts": "sts.{region}.aliyuncs.com",
    "bssopenapi": "business.aliyuncs.com",
}
VERSIONS = {"kms": "2016-01-20", "sts": "2015-04-01", "bssopenapi": "2017-12-14"}


def block(text: str, *names: str) -> str:
    """Return what is within the braces of a block, "" when there is none."""
    found = re.search(r"\s+".join(re.escape(name) for name in names) + r"\s*\{", text)
    if found is None:
        return ""
    depth, end = 1, found.end()
    while depth:
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        end += 1
    return text[found.end() : end - 1]


def attributes(text: str) -> dict[str, Any]:
    """Return the attributes of a block, but for those of blocks within it."""
    lines = re.sub(r"\w+\s*\{[^}]*\n\s*\}", "", text)
    found = re.findall(r"^\s*(\w+)\s*=\s*(\"[^\"]*\"|\[[^\]]*\]|true|false|\d+)\s*$", lines, re.MULTILINE)
    return {name: json.loads(value) for name, value in found}


class Provider:
    """The provider as its block configures it: where it sends requests, and with whose keys."""

    def __init__(self, files: list[str]) -> None:
        texts = [block(file, "provider", '"alicloud"') for file in files]
        settings = {name: value for text in texts for name, value in attributes(text).items()}
        self.endpoints = {name: value for text in texts for name, value in attributes(block(text, "endpoints")).items()}
        self.role = {name: value for text in texts for name, value in attributes(block(text, "assume_role")).items()}
        self.protocol = settings.get("protocol", "HTTPS").lower()
        self.region = settings["region"]
        self.access_key = settings.get("access_key") or os.environ["ALICLOUD_ACCESS_KEY"]
        self.secret_key = settings.get("secret_key") or os.environ["ALICLOUD_SECRET_KEY"]
        self.token = ""
        self.international = False

    def configure(self) -> None:
        """Assume the role and find out about the account, as before anything else."""
        body = {
            "RoleArn": self.role["role_arn"],
            "RoleSessionName": self.role["session_name"],
            "DurationSeconds": "3600",
        }
        answer = self.send("sts", "AssumeRole", body, protocol="https")["Credentials"]
        self.access_key, self.secret_key = answer["AccessKeyId"], answer["AccessKeySecret"]
        self.token = answer["SecurityToken"]
        kind = {"ProductCode": "vipcloudfw", "ProductType": "vipcloudfw", "SubscriptionType": "Subscription"}
        self.send("bssopenapi", "QueryAvailableInstances", {"PageSize": "50", "PageNum": "1", **kind})

    def identity(self) -> dict[str, Any]:
        """Return who signs: the SDK V1 has everything in the query."""
        query = {"RegionId": self.region, "SignatureType": ""}
        return self.send("sts", "GetCallerIdentity", {}, query=query)

    def send(
        self,
        product: str,
        action: str,
        body: dict[str, str],
        *,
        protocol: str = "",
        query: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Send one request; return the answer, which has no Code of its own and is no failure."""
        system = {
            "Action": action,
            "Version": VERSIONS[product],
            "Format": "json",
            "AccessKeyId": self.access_key,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureNonce": unique(),
            "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            **({"SecurityToken": self.token} if self.token else {}),
            **(query or {}),
        }
        signed = urlencode(sorted({**system, **body}.items()), quote_via=quote, safe="~")
        digest = hmac.digest(f"{self.secret_key}&".encode(), f"POST&%2F&{quote(signed, safe='~')}".encode(), "sha1")
        system["Signature"] = base64.b64encode(digest).decode()
        host = self.endpoints.get(product) or ENDPOINTS[product].format(region=self.region)
        url = f"{protocol or self.protocol}://{host}/?{urlencode(system)}"
        with urlopen(Request(url, urlencode(body).encode(), method="POST"), context=trust()) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
        assert "Code" not in found or found["Code"] == "Success", found
        assert str(found.get("Success", True)).lower() == "true", found
        return found


def unique() -> str:
    """Return what no other request has."""
    return f"{os.getpid()}-{time.monotonic_ns()}"


def trust() -> ssl.SSLContext:
    """Return what Go trusts on Linux: SSL_CERT_FILE."""
    return ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE"))


def apply_key(provider: Provider, text: str) -> str:
    """Create and read alicloud_kms_key and its alias; return its id."""
    wanted = attributes(block(text, "resource", '"alicloud_kms_key"', '"cards"'))
    tags = json.dumps([{"TagKey": "team", "TagValue": "payments"}])
    body = {"Description": wanted["description"], "ProtectionLevel": "SOFTWARE", "Tags": tags}
    key = provider.send("kms", "CreateKey", body)["KeyMetadata"]["KeyId"]
    found = provider.send("kms", "DescribeKey", {"KeyId": key})["KeyMetadata"]
    assert (found["Description"], found["KeyState"]) == (wanted["description"], "Enabled")
    tagged = provider.send("kms", "ListTagResources", tags_of(provider, key, "key"))
    assert tagged["TagResources"]["TagResource"][0]["TagValue"] == "payments"
    alias = attributes(block(text, "resource", '"alicloud_kms_alias"', '"cards"'))["alias_name"]
    provider.send("kms", "CreateAlias", {"AliasName": alias, "KeyId": key})
    pages = {"PageNumber": "1", "PageSize": "20", "RegionId": provider.region}
    aliases = provider.send("kms", "ListAliases", pages)["Aliases"]["Alias"]
    assert [(entry["AliasName"], entry["KeyId"]) for entry in aliases] == [(alias, key)]
    return str(key)


def apply_secret(provider: Provider, text: str) -> str:
    """Create and read alicloud_kms_secret; return its value."""
    wanted = attributes(block(text, "resource", '"alicloud_kms_secret"', '"db"'))
    name = {"SecretName": wanted["secret_name"]}
    value = {"SecretData": wanted["secret_data"], "SecretDataType": "text", "VersionId": wanted["version_id"]}
    provider.send("kms", "CreateSecret", {**name, **value})
    assert provider.send("kms", "DescribeSecret", name)["SecretName"] == wanted["secret_name"]
    found = provider.send("kms", "GetSecretValue", name)
    assert found["VersionId"] == wanted["version_id"]
    assert found["VersionStages"]["VersionStage"] == ["ACSCurrent"]
    tagged = provider.send("kms", "ListTagResources", tags_of(provider, wanted["secret_name"], "secret"))
    assert tagged["TagResources"]["TagResource"] == []
    return str(found["SecretData"])


def apply_instance(provider: Provider, text: str) -> str:
    """Order, connect and read alicloud_kms_instance; return its id."""
    wanted = attributes(block(text, "resource", '"alicloud_kms_instance"', '"main"'))
    codes = {"Region": provider.region, "VpcNum": wanted["vpc_num"], "Spec": wanted["spec"]}
    codes |= {
        "SecretNum": wanted["secret_num"],
        "KeyNum": wanted["key_num"],
        "ProductVersion": wanted["product_version"],
    }
    order = {"Period": "1", "RenewalStatus": wanted["renew_status"], "SubscriptionType": "Subscription", **BSS}
    for number, (code, value) in enumerate(codes.items(), 1):
        order |= {f"Parameter.{number}.Code": code, f"Parameter.{number}.Value": str(value)}
    token = {"ClientToken": f"TF-CreateInstance-{unique()}"}
    instance = provider.send("bssopenapi", "CreateInstance", {**order, **token})["Data"]["InstanceId"]
    named = {"KmsInstanceId": instance}
    assert provider.send("kms", "GetKmsInstance", named)["KmsInstance"]["InstanceId"] == instance
    network = {"VpcId": wanted["vpc_id"], "KMProvider": "Aliyun"}
    lists = {"ZoneIds": ",".join(wanted["zone_ids"]), "VSwitchIds": ",".join(wanted["vswitch_ids"])}
    provider.send("kms", "ConnectKmsInstance", {**named, **network, **lists})
    found = provider.send("kms", "GetKmsInstance", named)["KmsInstance"]
    assert found["Status"] == "Connected"
    for read in ("vpc_num", "spec", "key_num", "product_version"):
        field = "".join(part.capitalize() for part in read.split("_"))
        assert str(found[field]) == str(wanted[read]), read
    read_renewal(provider, instance, wanted["renew_status"])
    tagged = provider.send("kms", "ListTagResources", tags_of(provider, instance, "instance"))
    assert tagged["TagResources"]["TagResource"] == []
    return str(instance)


def read_renewal(provider: Provider, instance: str, expected: str) -> None:
    """Read how the subscription of an instance is renewed."""
    query = {"InstanceIDs": instance, "Region": provider.region, **BSS}
    (found,) = provider.send("bssopenapi", "QueryAvailableInstances", query)["Data"]["InstanceList"]
    assert found["RenewStatus"] == expected


def tags_of(provider: Provider, resource: str, kind: str) -> dict[str, str]:
    """Return the parameters that ask for the tags of a resource."""
    return {"RegionId": provider.region, "ResourceId.1": resource, "ResourceType": kind}


def destroy(provider: Provider, key: str, instance: str) -> None:
    """Delete everything, and look whether it is gone."""
    provider.send("kms", "DeleteAlias", {"AliasName": "alias/cards"})
    provider.send("kms", "DeleteSecret", {"SecretName": "db/password", "ForceDeleteWithoutRecovery": "true"})
    provider.send("kms", "ScheduleKeyDeletion", {"KeyId": key, "PendingWindowInDays": "7"})
    assert provider.send("kms", "DescribeKey", {"KeyId": key})["KeyMetadata"]["KeyState"] == "PendingDeletion"
    refund = {"InstanceId": instance, "ImmediatelyRelease": "1", "ClientToken": unique(), **BSS}
    provider.send("bssopenapi", "RefundInstance", refund)
    assert provider.send("kms", "GetKmsInstance", {"KmsInstanceId": instance})["KmsInstance"]["InstanceId"] == ""


def main(files: list[str]) -> list[str]:
    """Apply and destroy; return the outputs of the folder, and the secret."""
    text = "\n".join(files)
    provider = Provider(files)
    provider.configure()
    identity = provider.identity()
    key, secret = apply_key(provider, text), apply_secret(provider, text)
    destroy(provider, key, apply_instance(provider, text))
    return [identity["AccountId"], identity["Arn"], secret]


if __name__ == "__main__":
    print(*main([Path(argument).read_text("utf-8") for argument in sys.argv[1:]]))  # noqa: T201 (a program)
