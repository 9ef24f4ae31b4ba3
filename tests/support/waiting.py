"""Waiting for what another thread or process does, and asking whether a port accepts."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
import time
from pathlib import Path

from kms_mock import KmsMock

PATIENCE_SECONDS = 10.0


def wait_for_strike(kms: KmsMock) -> None:
    """Return as soon as the first fault of a mock strikes."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not next(iter(kms.faults)).struck:
        assert time.monotonic() < end
        time.sleep(0.001)


def accepts(port: int) -> bool:
    """Return whether somebody listens on a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return False
    return True


def in_a_process(script: str) -> str:
    """Run a script that may hang, with warnings of a fork beside threads off; return what it printed."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def open_descriptors() -> int:
    """Return how many file descriptors this process has open."""
    return len(list(Path("/dev/fd").iterdir()))


def wait_for_descriptors(most: int) -> None:
    """Return as soon as this process has no more file descriptors open than that."""
    end = time.monotonic() + PATIENCE_SECONDS
    while open_descriptors() > most and time.monotonic() < end:
        gc.collect()
        time.sleep(0.01)
    assert open_descriptors() <= most
