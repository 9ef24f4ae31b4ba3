"""`python -m kms_mock`."""

from kms_mock.cli import main

main()
