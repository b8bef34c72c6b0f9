"""The entry point of the `timebok` command. It imports little, so that it can block signals to stop at once.

The rest takes about a second to import. A signal during that second waits until a long-running command unblocks it, in
`graph.commands.serve.stopping`.
"""

import signal
import sys
from typing import NoReturn

from graph.commands.signals import STOPPING

_LONG = {"demo", "serve", "sync", "sandbox"}
"""The commands that run until a signal stops them, and then end with status 0."""
_INTERRUPTED = 130


def main() -> NoReturn:
    """Blocks signals for a long-running command, then runs the command line."""
    if next((each for each in sys.argv[1:] if not each.startswith("-")), None) in _LONG:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        from graph.commands.cli import main as run
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
