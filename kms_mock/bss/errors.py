"""The error catalogue of BssOpenApi, as far as orders for instances need it.

Sources: terraform-provider-alicloud, which expects these codes of CreateInstance, ModifyInstance and RefundInstance.
Status and text are published in no page that was found.
"""

from __future__ import annotations

from kms_mock.rpc.errors import ErrorSpec

_TERRAFORM = "terraform-provider-alicloud expects the code; status and text are inferred."

NOT_APPLICABLE = ErrorSpec(400, "NotApplicable", "This API is not applicable for caller.", inferred=_TERRAFORM)
RESOURCE_NOT_EXISTS = ErrorSpec(400, "ResourceNotExists", "The specified resource does not exist.", inferred=_TERRAFORM)
