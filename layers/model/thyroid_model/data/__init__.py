"""Readers of the datasets, and the images prepared from them."""
