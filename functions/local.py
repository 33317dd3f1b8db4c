"""All routes in one application, for `make run`."""

import logging

from functions.local_uploads import LocalLinks, local_uploads_router
from functions.site import API, DOCS, PAGE
from thyroid.settings import get_settings
from thyroid.web.app import build_app, get_analyzer

# The server's own access log names addresses, whose query may hold a file name; our line about each request does not.
access_log = logging.getLogger("uvicorn.access")
access_log.handlers.clear()
access_log.propagate = False

settings = get_settings()
links = LocalLinks(get_analyzer(), settings)

app = build_app([*API, DOCS, PAGE, local_uploads_router(links, settings)])
if not settings.uploads_bucket:
    app.state.links = links
