"""Bytes in, bytes out: the only part of kms_mock that imports `cryptography`.

Nothing is imported here on purpose, so that a symmetric-only run never pays for the asymmetric parts.
"""
