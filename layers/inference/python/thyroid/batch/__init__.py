"""A local folder of images to a folder of results: ``python -m thyroid analyze``. No network, no AWS."""
