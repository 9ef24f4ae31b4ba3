"""What the fields of a class mean: the strings below them, read from its source."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from inspect import cleandoc
from itertools import pairwise
from textwrap import dedent


@cache
def field_docs(owner: type) -> dict[str, str]:
    """Return the strings that stand below the fields of a class, in its source."""
    try:
        (tree,) = ast.parse(dedent(inspect.getsource(owner))).body
    except (OSError, TypeError):  # made at run time, or built in
        return {}
    found = {}
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    for field, below in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            found[field.target.id] = cleandoc(ast.literal_eval(below.value)).replace("\n", " ")
    return found
