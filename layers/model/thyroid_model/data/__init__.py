"""Readers of the image sets, and what is made of them."""
