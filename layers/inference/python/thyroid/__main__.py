"""What can be done from a terminal: ``python -m thyroid COMMAND``.

Little is imported at the top: Ctrl-C during the imports of a command has to be answered as well as one during its work.
"""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status."""
    try:
        from thyroid.terminal.program import run  # with NumPy and all the rest

        return run(arguments, _called())
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return 130
    except BrokenPipeError:
        # Python would try to write the rest at its end, and complain.
        for stream in (sys.stdout, sys.stderr):
            with suppress(BrokenPipeError):
                stream.close()
        return 141


def _called() -> str:
    """Return how this program is called: the script that is installed with it, or the module."""
    return "thyroid" if Path(sys.argv[0]).stem == "thyroid" else "python -m thyroid"


if __name__ == "__main__":
    sys.exit(main())
