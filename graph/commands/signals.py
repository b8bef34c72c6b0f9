"""The signals that tell a command to stop."""

import signal

STOPPING = (signal.SIGTERM, signal.SIGINT)
