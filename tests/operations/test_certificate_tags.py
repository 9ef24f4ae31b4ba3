"""Tags of certificates."""

from __future__ import annotations

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.kms import errors
from tests.support import raw_http
from tests.support.calls import refused
from tests.support.certificates import (
    INVALID,
    create_certificate,
    describe_certificate,
    tag,
)
from tests.support.raw_http import Wire, http


def test_certificates_carry_tags(kms: KmsMock, client: Client) -> None:
    """TagResource and UntagResource take CertificateId; DescribeCertificate shows the tags as an object."""
    certificate_id = create_certificate(client)["CertificateId"]
    tag(client, certificate_id, a="1", b="2")
    tag(client, certificate_id, b="3")
    assert describe_certificate(client, certificate_id)["Tags"] == {"a": "1", "b": "3"}
    client.untag_resource(models.UntagResourceRequest(certificate_id=certificate_id, tag_keys='["a","never"]'))
    assert describe_certificate(client, certificate_id)["Tags"] == {"b": "3"}
    query = raw_http.request_parameters("DescribeCertificate", CertificateId=certificate_id, Format="XML")
    with Wire(kms) as wire:
        answer = wire.send(http(query=query)).receive()
    assert b"<Tags><b>3</b></Tags>" in answer.body


@pytest.mark.parametrize("key", ["a/b", "1a", "@a", "a:b", "a:b:c"])
def test_tags_that_are_no_xml_names_are_refused_in_xml_only(kms: KmsMock, client: Client, key: str) -> None:
    """A tag key that cannot be the name of an element works in JSON; XML is refused rather than broken."""
    certificate_id = create_certificate(client)["CertificateId"]
    tag(client, certificate_id, **{key: "1"})
    assert describe_certificate(client, certificate_id)["Tags"] == {key: "1"}
    query = raw_http.request_parameters("DescribeCertificate", CertificateId=certificate_id, Format="XML")
    with Wire(kms) as wire:
        answer = wire.send(http(query=query)).receive()
    assert answer.refusal[:2] == (400, "InvalidParameter")


def test_tags_of_a_certificate_that_is_not_there_are_refused(kms: KmsMock, client: Client) -> None:
    """Both tag calls answer Certificate.NotFound, and InvalidParameter when two resources are named."""
    tags = '[{"TagKey":"a","TagValue":"1"}]'
    one = models.TagResourceRequest(certificate_id="x", tags=tags)
    refused(kms, errors.CERTIFICATE_NOT_FOUND, client.tag_resource, one)
    other = models.UntagResourceRequest(certificate_id="x", tag_keys='["a"]')
    refused(kms, errors.CERTIFICATE_NOT_FOUND, client.untag_resource, other)
    two = models.TagResourceRequest(certificate_id="x", secret_name="y", tags=tags)
    refused(kms, INVALID, client.tag_resource, two)
