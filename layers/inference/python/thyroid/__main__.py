"""The program: ``python -m thyroid COMMAND``.

Nothing is imported at the top, so that Ctrl-C during the imports of a command ends with a sentence, too.
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
        # Python would try to write the rest when it ends, and complain.
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.close()
            except BrokenPipeError:  # it is closed all the same
                continue
        return 141


if __name__ == "__main__":
    sys.exit(main())
