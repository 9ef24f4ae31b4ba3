"""All cases against a mock and another service: what is the same, as a table and as a document to share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kms_mock.parity.cases import Case
from kms_mock.parity.results import Row
from kms_mock.parity.runner import BudgetError, Observed, Runner
from kms_mock.parity.sanitised import sanitised
from kms_mock.service_client import RefusedError, UnreachableError


def compare(
    cases: Iterable[Case], mock: Runner, other: Runner, progress: Callable[[Row], object] = lambda _: None
) -> list[Row]:
    """Run cases on both services. What they made is taken away, also when the run is interrupted."""
    rows: list[Row] = []
    try:
        for number, case in enumerate(cases):
            row = _compare(case, number, mock, other)
            progress(row)
            rows.append(row)
    finally:
        other.finish()
        mock.finish()
    return rows


def _compare(case: Case, number: int, mock: Runner, other: Runner) -> Row:
    ours = mock.run(case, number)
    problem = ""
    theirs: Observed | None = None
    try:
        theirs = other.run(case, number)
    except (BudgetError, RefusedError, UnreachableError) as error:
        problem = str(error)
    our_answers = _answers(ours)
    their_answers = [] if theirs is None else _answers(theirs)
    same = theirs is not None and our_answers == their_answers and not ours.problem and not theirs.problem
    return Row(
        id=case.id,
        rule=case.rule,
        source=case.source,
        certainty=case.certainty,
        inferred=case.inferred,
        same=same,
        mock=our_answers,
        other=their_answers,
        problem=problem,
    )


def _answers(observed: Observed) -> list[dict[str, Any]]:
    steps = zip(observed.case.steps, observed.answers, strict=True)
    return [sanitised(answer, observed.variables, step.returns) for step, answer in steps]


def first_difference(row: Row) -> str:
    """Return the first step in which the answers differ, and how, in a line."""
    for number, (ours, theirs) in enumerate(zip(row.mock, row.other, strict=True), 1):
        if ours != theirs:
            return f"step {number}: {_brief(ours)} / {_brief(theirs)}" + _field(ours, theirs)
    return "the case does not hold"


def _brief(answer: Mapping[str, Any]) -> str:
    return f"{answer['status']} {answer.get('code', 'ok')}"


def _field(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    if "code" in ours and "code" in theirs and ours["text"] != theirs["text"]:
        return f" ({ours['text']!r} / {theirs['text']!r})"
    if "body" not in ours or "body" not in theirs:
        return ""
    names = sorted({*ours["body"], *theirs["body"]})
    return f" ({', '.join(name for name in names if ours['body'].get(name) != theirs['body'].get(name))})"
