"""A local folder of pictures to a folder of results: ``python -m thyroid analyze``. No network, no AWS."""
