"""Caching, with the official secrets client: the value survives an outage, and is new after a rotation."""

from collections.abc import Iterator

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_secretsmanager_client_v2.secret_manager_cache_client_builder import SecretManagerCacheClientBuilder
from alibabacloud_secretsmanager_client_v2.service.default_secret_manager_client_builder import (
    DefaultSecretManagerClientBuilder,
)
from alibabacloud_secretsmanager_client_v2.service.full_jitter_back_off_strategy import FullJitterBackoffStrategy
from alibabacloud_tea_openapi.models import Config

from kms_mock import KmsMock

pytestmark = pytest.mark.kms_mock(fixture={"secrets": [{"name": "db", "value": "first"}]})


@pytest.fixture
def cache(kms_mock: KmsMock) -> Iterator[SecretManagerCacheClientBuilder]:
    """The official client, pointed at the mock, with one quick retry instead of its 45 seconds."""
    config = Config(
        access_key_id="x",
        access_key_secret="y",
        region_id="cn-hangzhou",
        endpoint=kms_mock.endpoint,
        protocol="http",
    )
    quick = FullJitterBackoffStrategy(retry_max_attempts=1, retry_initial_interval_mills=1, capacity=1)
    builder = DefaultSecretManagerClientBuilder.standard().add_config(config).with_back_off_strategy(quick)
    client = SecretManagerCacheClientBuilder.new_cache_client_builder(builder.build()).build()
    yield client
    client.close()


def test_the_cached_value_survives_an_outage(kms_mock: KmsMock, cache: SecretManagerCacheClientBuilder) -> None:
    """One request fills the cache; while the service is down, readers go on and a refresh fails."""
    assert cache.get_secret_value("db") == "first"
    kms_mock.fail("GetSecretValue", code="ServiceUnavailableTemporary")
    assert cache.get_secret_value("db") == "first"
    assert cache.refresh_now("db") is False
    assert cache.get_secret_value("db") == "first"
    kms_mock.calls.assert_called("GetSecretValue", code="", times=1)


def test_a_refresh_gives_the_new_value(
    kms_mock: KmsMock, kms_client: Client, cache: SecretManagerCacheClientBuilder
) -> None:
    """The old value is served until the cache is refreshed, then the new one."""
    assert cache.get_secret_value("db") == "first"
    kms_client.put_secret_value(models.PutSecretValueRequest(secret_name="db", version_id="v2", secret_data="second"))
    assert cache.get_secret_value("db") == "first"
    assert cache.refresh_now("db") is True
    assert cache.get_secret_value("db") == "second"
    kms_mock.calls.assert_called("GetSecretValue", SecretName="db", times=2)
