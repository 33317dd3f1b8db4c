"""The logger of this process: JSON lines on standard output."""

import logging
from functools import cache

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers

import thyroid
from thyroid.settings import get_settings


@cache
def get_logger() -> Logger:
    """Return the logger of this process, which the modules of this package write to, too."""
    logger = Logger(service=get_settings().service_name, location=None)
    logging.getLogger(thyroid.__name__)  # the configuration is copied to existing loggers alone
    copy_config_to_registered_loggers(logger, include={thyroid.__name__})
    return logger
