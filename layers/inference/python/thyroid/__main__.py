"""What can be done from a terminal: ``python -m thyroid COMMAND``.

Nothing is imported at the top: Ctrl-C has to be answered during the imports of a command as well as during its work.
"""

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its exit status."""
    try:
        from thyroid.settings import one_thread_for_products

        one_thread_for_products()
        from thyroid.cli.main import run  # with NumPy and all the rest

        return run(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return 130
    except BrokenPipeError:
        # Python would try to write the rest at its end, and complain.
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.close()
            except BrokenPipeError:  # closed it is all the same
                continue
        return 141


if __name__ == "__main__":
    sys.exit(main())
