"""`/api/v1/uploads`: links for images that are too large for the gateway, and what became of those."""

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urljoin

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from thyroid.errors import UploadsUnavailableError
from thyroid.files.process_image import check_size
from thyroid.files.result_files import Result
from thyroid.settings import get_settings
from thyroid.web.app import build_app
from thyroid.web.body import Received, TheSettings, parse_json
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.openapi import RESULT_PROBLEMS, UPLOAD_PROBLEMS, WITH_KEY, json_body
from thyroid.web.problems import kind_of_code, problem
from thyroid.web.schemas import UploadForm, UploadRequest, UploadResponse, WaitingResponse

if TYPE_CHECKING:
    from functions.local_uploads import LocalLinks
    from thyroid.s3.links import Links

ADDRESS = "/api/v1/uploads"
ASK_AGAIN_SECONDS = "2"

router = APIRouter(tags=["Uploads"])


async def the_links(request: Request) -> "Links | LocalLinks":
    """Return what hands out links: what the application brings for it, or the buckets."""
    own: LocalLinks | None = getattr(request.app.state, "links", None)
    return own or _of_the_buckets()


@cache
def _of_the_buckets() -> "Links":
    settings = get_settings()
    if not settings.uploads_bucket:
        raise UploadsUnavailableError(
            "No bucket takes images here; send the image itself, or ask whoever runs this service for one."
        )
    from thyroid.s3 import clients  # here, so that those who only describe this endpoint do not load it
    from thyroid.s3.links import Links

    buckets = settings.uploads_bucket, settings.results_bucket
    return Links(clients.s3(), clients.signer(), *buckets, settings.upload_link_seconds)


TheLinks = Annotated["Links | LocalLinks", Depends(the_links)]


@router.post(
    ADDRESS,
    summary="Get a link to upload a large image with",
    status_code=201,
    responses=UPLOAD_PROBLEMS,
    openapi_extra=json_body(UploadRequest) | WITH_KEY,
)
def hand_out(request: Request, body: Received, settings: TheSettings, links: TheLinks) -> UploadResponse:
    """Hand out a link that takes one image of the type and size named, for a quarter of an hour."""
    asked = parse_json(body, UploadRequest)
    limit = settings.max_upload_bytes
    check_size(asked.size or 1, limit)
    link = links.create(asked.content_type, asked.size or 1, asked.size or limit)
    return UploadResponse(
        id=link.id,
        upload=UploadForm(url=_absolute(request, link.url), fields=link.fields),
        expires=datetime.fromtimestamp(link.expires, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        largest=asked.size or limit,
        result=f"{ADDRESS}/{link.id}",
    )


@router.get(
    ADDRESS + "/{id}",
    summary="What became of an uploaded image",
    response_model=Result,
    responses={202: {"model": WaitingResponse, "description": "Not yet"}, **RESULT_PROBLEMS},
    openapi_extra=WITH_KEY,
)
def find(request: Request, id: str, links: TheLinks) -> JSONResponse:  # noqa: A002 - as in the address
    """Answer as `/api/v1/analyze` does once the result is there; its images are links. Until then: 202."""
    written = links.find(id)
    if written is None:
        return JSONResponse(WaitingResponse().model_dump(), 202, {"Retry-After": ASK_AGAIN_SECONDS})
    if not written["success"]:
        status, title = kind_of_code(written["code"])
        return problem(request, status, title, written["code"], written["detail"])
    written["filename"] = None  # the key's last part, which is the id
    images = links.image_urls(id)
    written["gradcam"]["images"] = {kind: _absolute(request, address) for kind, address in images.items()}
    return JSONResponse(written)


def _absolute(request: Request, address: str) -> str:
    """Return an address with its host: a bucket's has one, a laptop's is below this server."""
    return urljoin(str(request.base_url), address)


app = build_app([router])
handler = lambda_handler(app)
