"""From a real account to a fixture file: the same names, ids and states, with made-up values.

Reading needs only List*, Describe* and Get*Policy; a value is read only to learn its shape, and only when asked for.
"""
