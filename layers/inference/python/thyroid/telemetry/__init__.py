"""Logs, metrics and traces of a request or an upload."""
