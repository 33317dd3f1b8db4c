"""Results as files: how they are named, written and locked, wherever an image came from."""
