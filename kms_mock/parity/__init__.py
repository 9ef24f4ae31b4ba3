"""How like the real service the mock is: contract cases as data, run against both, and what differs.

A case is one rule that can be asked over the wire: what must be there, the calls, and what each answers. All cases hold
for the mock (its tests run them). Against the real service they create, use and delete resources whose names begin
with `PREFIX`, and touch nothing else.
"""

PREFIX = "kms-mock-parity"
