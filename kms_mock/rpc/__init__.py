"""Bytes to requests and answers to bytes. Knows no operation."""
