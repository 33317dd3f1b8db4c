"""Writes the service's OpenAPI description into the repository: ``python -m docs.make_openapi``.

A client can be generated from the file without a server, and its diff shows a change of the API.
"""

import json
from pathlib import Path

from functions.site import API
from thyroid.web.docs import describe

FILE = Path(__file__).with_name("openapi.json")


def description() -> str:
    """Return the file's text: in the order of the application, indented by two spaces."""
    return json.dumps(describe(API), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write ``docs/openapi.json``."""
    FILE.write_text(description(), "utf-8")


if __name__ == "__main__":
    main()
