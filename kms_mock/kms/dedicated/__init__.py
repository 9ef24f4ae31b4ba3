"""The dedicated gateway: the KMS Instance API, for applications that use a KMS instance with a client key.

Messages of Protocol Buffers over HTTP, on the same port and over the same store as the RPC API.
"""

from __future__ import annotations

from kms_mock.kms import errors as kms_errors
from kms_mock.kms.dedicated import errors, inferred
from kms_mock.kms.dedicated.context import Context
from kms_mock.kms.dedicated.wire import WIRE_FORM
from kms_mock.kms.model import names, subscription
from kms_mock.kms.model import policies as resource_policies
from kms_mock.rpc.api import Api, catalogue

API = Api(
    "Kms instance",
    "dkms-gcs-0.2",
    service="kms",
    wire_form=WIRE_FORM,
    context=Context,
    errors={**catalogue(kms_errors), **catalogue(errors)},
    check_account=subscription.check_open,
    inferred=inferred.EVERY_OPERATION,
    has_policies=resource_policies.has_policies,
    names_of=names.names_of,
    modules=[f"{__name__}.operations.{name}" for name in ("secret_values", "ciphers", "data_keys", "signatures")],
)
