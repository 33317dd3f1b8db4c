"""Analyses images of one bucket and writes the results to another. It knows AWS, but no HTTP."""
