"""A report on a picture, to be read and kept: one page as PDF, or the same as JSON.

What it says is :class:`thyroid.web.schemas.ReportResponse`, which the service makes. Here it becomes words, and words
and pictures become a page. The PDF library is known here alone, and is loaded with the first PDF.
"""
