"""The page at ``/app``: a few files of our own, as they are, without a build step and without another host.

All addresses in them are relative, so that the page works below any prefix: a stage (``/prod``) or a base path.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from thyroid.settings import Settings

FOLDER = Path(__file__).with_name("page_files")
PAGE = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
}


@dataclass(frozen=True)
class File:
    """A file of the page, its type, and a tag that changes with its bytes."""

    content: bytes
    media_type: str
    tag: str


def policy(settings: Settings) -> str:
    """Return the Content-Security-Policy: scripts and styles are files of ours, and pictures go to this service alone.

    A large picture goes by a link to a bucket, and its result comes from one: those are the only other hosts.
    """
    connect = " ".join(("'self'", *settings.page_origins))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def page_router(settings: Settings) -> APIRouter:
    """Build the routes ``/app`` and ``/app/{file}``.

    Parameters
    ----------
    settings : Settings
        Names the other hosts that the page may talk to.
    """
    router = APIRouter(include_in_schema=False)
    headers = {
        # A browser asks each time whether a file is still the same: scripts of two releases would not fit together.
        "Cache-Control": "no-cache",
        "Content-Security-Policy": policy(settings),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }

    def answer(request: Request, name: str) -> Response:
        file = files()[name]
        tagged = {"ETag": file.tag, **headers}
        if file.tag in _tags(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=tagged)
        return Response(file.content, media_type=file.media_type, headers=tagged)

    @router.get("/app")
    def page(request: Request) -> Response:
        return answer(request, PAGE)

    @router.get("/app/{file}")
    def part(request: Request, file: str) -> Response:
        if file == PAGE or file not in files():  # the page's relative addresses are those of `/app`
            raise HTTPException(404)
        return answer(request, file)

    return router


@cache
def files() -> dict[str, File]:
    """Return the files of the page by their names."""
    return {path.name: _read(path) for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES}


def _read(path: Path) -> File:
    content = path.read_bytes()
    return File(content, TYPES[path.suffix], f'"{hashlib.sha256(content).hexdigest()[:20]}"')


def _tags(header: str) -> set[str]:
    """Return the tags of an If-None-Match; a proxy that packs what passes may have made one weak."""
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}
