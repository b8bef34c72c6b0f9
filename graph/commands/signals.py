"""The signals that stop a long-running command."""

import signal

STOPPING = (signal.SIGTERM, signal.SIGINT)
