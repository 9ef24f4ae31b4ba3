"""What a test author can do beside the API: time, faults, calls, checkpoints, leak checks; and the control API."""
