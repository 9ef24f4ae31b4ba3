"""The official SDK for commands that ask the real service."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import click

from kms_mock import logs
from kms_mock.cli.client import MAX_TEXT

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.models import Config

_EXTRA = 'this needs the official SDK and its credentials library: pip install "kms-mock[sdk]"'


def sdk_config(region: str, endpoint: str | None, profile: str | None, ca: str | None = None) -> Config:
    """Return the SDK's configuration, with credentials from the vendor's default chain. Raises ClickException."""
    if profile is not None:
        os.environ["ALIBABA_CLOUD_PROFILE"] = profile  # the credentials library reads its variables when it is imported
    try:
        from alibabacloud_credentials.client import Client as Credentials  # noqa: PLC0415 (an extra)
        from alibabacloud_tea_openapi.models import Config  # noqa: PLC0415
    except ImportError as error:
        raise click.ClickException(_EXTRA) from error
    # It logs a traceback for every place where it finds none; the error below says it all.
    logging.getLogger("credentials").setLevel(logging.CRITICAL)
    protocol, _, host = (endpoint or f"kms.{region}.aliyuncs.com").rpartition("://")
    try:
        credentials = Credentials()
        credentials.get_credential()
    except Exception as error:
        raise click.ClickException(f"no credentials: {logs.printable(str(error), MAX_TEXT)}") from error
    return Config(
        credential=credentials, region_id=region, endpoint=host.rstrip("/"), protocol=protocol or "https", ca=ca
    )
