"""What exists in KMS and what may happen to it. Knows no wire format and no HTTP."""
