"""Writes the OpenAPI description into the repository, as the service gives it: ``python -m docs.make_openapi``.

With it in the repository, a client can be generated without a server, and a change of the API shows in its diff.
"""

import json
from pathlib import Path

from functions.site import API
from thyroid.web.docs import describe

FILE = Path(__file__).with_name("openapi.json")


def description() -> str:
    """Return the file's text: in the order of the application, two spaces deep."""
    return json.dumps(describe(API), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write ``docs/openapi.json``."""
    FILE.write_text(description(), "utf-8")


if __name__ == "__main__":
    main()
