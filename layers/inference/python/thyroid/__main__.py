"""What can be done from a terminal: ``python -m thyroid COMMAND``."""

import argparse
import sys
from collections.abc import Sequence

import thyroid
from thyroid.folder import command as folder

# Each adds itself, with a function `run` that takes the options and returns the exit status.
COMMANDS = (folder,)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m thyroid", description=thyroid.__doc__)
    parser.add_argument("--version", action="version", version=thyroid.__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    options = parser.parse_args(arguments)
    return int(options.run(options))


if __name__ == "__main__":
    sys.exit(main())
