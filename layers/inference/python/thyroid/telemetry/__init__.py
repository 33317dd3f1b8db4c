"""What is told to logs, metrics and traces, whichever way a picture comes in."""
