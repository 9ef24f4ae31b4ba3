"""The operations of the API, one module per resource. Only `@operation` functions and their result types live here.

These modules do without `from __future__ import annotations`: `@operation` reads the annotations of some 800 parameters and
fields, and to evaluate each from a text would make every start about 15 ms slower.
"""
