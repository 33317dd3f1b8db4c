"""Single pictures on a terminal: ``python -m thyroid predict FILE`` and its like. No network, no AWS."""
