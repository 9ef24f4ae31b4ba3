"""Accounts x regions x tables, for any product."""
