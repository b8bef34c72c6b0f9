"""Where the `timebok` command begins, with as little as can be: what tells it to stop is minded from here on.

The rest takes about a second to import. A command that runs for long notices a signal of that second as soon as it
can: `graph.commands.serve.stopping` lets through what is held back here.
"""

import signal
import sys
from typing import NoReturn

from graph.commands.signals import STOPPING

_LONG = {"demo", "serve", "sync", "sandbox"}
"""The commands that run until they are told to stop, and end with status 0 then."""
_INTERRUPTED = 130


def main() -> NoReturn:
    """The entry point of the `timebok` command."""
    if next((each for each in sys.argv[1:] if not each.startswith("-")), None) in _LONG:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        from graph.commands.cli import main as run
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
