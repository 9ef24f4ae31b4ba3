"""One call as a whole: everything that was sent and answered, with the secrets in both masked.

The text of a wrong signature quotes all parameters, so it is shown only where none of them is masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from kms_mock.control.calls import MASK, Call, CallDocument
from kms_mock.control.leaks import SECRET_FIELDS
from kms_mock.rpc.decode import EXTRA_PARAMETERS, SYSTEM_PARAMETERS
from kms_mock.rpc.errors import SIGNATURE_DOES_NOT_MATCH

_SECRET_SYSTEM_PARAMETERS = frozenset({"BearerToken", "SecurityToken", "Signature"})


class ExchangeDocument(TypedDict):
    """One call with everything that was sent (system parameters too) and answered; `answer` is the document."""

    call: CallDocument
    sent: dict[str, str]
    answer: dict[str, Any]


def exchange(call: Call, *, unmasked: bool = False) -> ExchangeDocument:
    """Return a call with its request and its answer, secrets masked unless they are asked for."""
    document = call.document(unmasked=unmasked)
    system = {
        name: value if unmasked or name not in _SECRET_SYSTEM_PARAMETERS else MASK
        for name, value in call.sent.items()
        if name in SYSTEM_PARAMETERS | EXTRA_PARAMETERS
    }
    answered: dict[str, Any] = dict(call.answered) if unmasked else _masked(call.answered)
    if not unmasked and call.code == SIGNATURE_DOES_NOT_MATCH.code and _sent_a_secret(call):
        answered["Message"] = MASK
    return {"call": document, "sent": {**system, **document["parameters"]}, "answer": answered}


def _sent_a_secret(call: Call) -> bool:
    """Return whether a parameter that a signature covers is masked."""
    is_token_sent = not (_SECRET_SYSTEM_PARAMETERS - {"Signature"}).isdisjoint(call.sent)
    return is_token_sent or call.parameters != call.unmasked_parameters


def _masked(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {
            name: MASK if name in SECRET_FIELDS and isinstance(value, str) else _masked(value)
            for name, value in tree.items()
        }
    return [_masked(item) for item in tree] if isinstance(tree, list) else tree
