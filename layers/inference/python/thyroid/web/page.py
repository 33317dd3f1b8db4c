"""The page at ``/app``: a few files of our own, as they are, without a build step and without another host.

All addresses in them are relative, so that the page works below any prefix: a stage (``/prod``) or a base path. The
page asks for its files below a name that changes with any of them: a browser may keep those for good, and scripts of
two releases never meet.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from thyroid.core import formats
from thyroid.settings import Settings

FOLDER = Path(__file__).with_name("page_files")
PAGE = "index.html"
ASK_AGAIN, FOR_GOOD = "no-cache", "public, max-age=31536000, immutable"
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
    """Return the Content-Security-Policy: scripts and styles are files of ours, and images go to this service alone.

    A large image goes by a link to a bucket, and its result comes from one: those are the only other hosts.
    """
    connect = " ".join(("'self'", *settings.page_origins))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def page_router(settings: Settings) -> APIRouter:
    """Build the routes ``/app`` and ``/app/{release}/{file}``.

    Parameters
    ----------
    settings : Settings
        Names the other hosts that the page may talk to.
    """
    router = APIRouter(include_in_schema=False)
    headers = {
        "Content-Security-Policy": policy(settings),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }

    def respond(request: Request, name: str, keep: str) -> Response:
        file = files()[name]
        tagged = {"ETag": file.tag, "Cache-Control": keep, **headers}
        if file.tag in _tags(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=tagged)
        return Response(file.content, media_type=file.media_type, headers=tagged)

    @router.get("/app")
    def page(request: Request) -> Response:
        return respond(request, PAGE, ASK_AGAIN)

    @router.get("/app/{release}/{file}")
    def part(request: Request, release: str, file: str) -> Response:
        if file == PAGE or file not in files():  # the page's relative addresses are those of `/app`
            raise HTTPException(404)
        # While a release takes over, its page may ask the one before it, whose file is not to be kept under that name.
        return respond(request, file, FOR_GOOD if release == release_of(files()) else ASK_AGAIN)

    return router


@cache
def files() -> dict[str, File]:
    """Return the files of the page by their names. The page itself gets the formats and the release of the others."""
    found = {
        path.name: _file(path.name, path.read_bytes()) for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES
    }
    page = found[PAGE].content.decode()
    for placeholder, text in {
        '"app/': f'"app/{release_of(found)}/',
        "{{ACCEPT}}": formats.ACCEPT,
        "{{FORMATS}}": formats.SENTENCE,
    }.items():
        page = page.replace(placeholder, text)
    return found | {PAGE: _file(PAGE, page.encode())}


def release_of(found: Mapping[str, File]) -> str:
    """Return a name that changes with any file but the page itself, which is asked for each time."""
    tags = "".join(file.tag for name, file in found.items() if name != PAGE)
    return hashlib.sha256(tags.encode()).hexdigest()[:12]


def _file(name: str, content: bytes) -> File:
    return File(content, TYPES[Path(name).suffix], f'"{hashlib.sha256(content).hexdigest()[:20]}"')


def _tags(header: str) -> set[str]:
    """Return the tags of an If-None-Match; a proxy that packs what passes may have made one weak."""
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}
