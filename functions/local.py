"""All routes in one application, for `make run`."""

import logging

from functions.site import API, DOCS
from thyroid.web.app import build_app

# The server's own access log names addresses, whose query may hold a file name; our line about each request does not.
access_log = logging.getLogger("uvicorn.access")
access_log.handlers.clear()
access_log.propagate = False

app = build_app([*API, DOCS])
