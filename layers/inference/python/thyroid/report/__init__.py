"""A report on an image, to be read and kept: one page as PDF, or the same as JSON.

What it says is an :class:`thyroid.core.analysis.Analysis`. Here it becomes words, and words and images become a page.
The PDF library is known here alone, and is loaded with the first PDF.
"""
