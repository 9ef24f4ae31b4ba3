"""Imported first by every Python program under `kms-mock run`: it turns interception on, then does what it hides.

The program may belong to an interpreter without kms-mock; then the proxies and the trust bundle must do.
"""

# ruff: noqa: INP001 (the folder is one that PYTHONPATH names)

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 (pathlib takes long to import)

# The program's own path is as it would be, so that the sitecustomize which this one hides is found.
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _HERE]  # noqa: PTH100

try:
    from kms_mock.reach.remote import intercept_later
except ImportError:
    pass
else:
    intercept_later()

_hidden = PathFinder.find_spec("sitecustomize", sys.path)
if _hidden is not None and _hidden.loader is not None:
    _module = sys.modules["sitecustomize"] = module_from_spec(_hidden)
    _hidden.loader.exec_module(_module)
