"""Loggers of powertools that no two tests share."""

import io
import logging

from aws_lambda_powertools import Logger

_NAME = "test"


def new_logger(stream: io.StringIO) -> Logger:
    """Return a logger that writes into a stream.

    Powertools gives a second logger of the same name the handlers of the first, and so its stream; the first is
    forgotten here. Names that are new each time would be kept for good, and pytest looks through all of them at each
    test.
    """
    logging.Logger.manager.loggerDict.pop(_NAME, None)
    return Logger(service=_NAME, stream=stream)
