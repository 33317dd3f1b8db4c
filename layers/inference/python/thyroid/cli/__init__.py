"""The command line: ``python -m thyroid predict FILE`` and the other commands. No network, no AWS."""
