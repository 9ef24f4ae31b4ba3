"""Cryptography on bytes: the only package of kms_mock that imports `cryptography`.

Nothing is imported here on purpose, so that a symmetric-only run never pays for the asymmetric modules.
"""
