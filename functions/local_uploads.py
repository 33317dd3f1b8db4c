"""Uploads by link where there are no buckets: this process takes the image and keeps what became of it, in memory.

For a laptop, so that what is written for a deployed service works there. Nothing is written to disk.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from thyroid.core.analyzer import Analyzer
from thyroid.errors import InvalidRequestError, NotFoundError
from thyroid.files.process_image import process_image
from thyroid.files.result_files import ERROR, HEATMAP, MEDIA_TYPES, OVERLAY, RESULT, Source
from thyroid.s3.link import Link, expiry_of, new_id, unused_link_error
from thyroid.settings import Settings
from thyroid.telemetry.observation import record_prediction
from thyroid.web.blocking import blocking
from thyroid.web.body import Body, parse_form, receive_form

ADDRESS = "/local-uploads"
MAX_UPLOADS = 100  # uploads that are remembered, some hundred kilobytes each
FORM_BYTES = 4096  # what a form takes beside its image


@dataclass
class _Upload:
    content_type: str
    smallest: int
    largest: int
    files: dict[str, bytes] = field(default_factory=dict)


class LocalLinks:
    """Does for a laptop what :class:`thyroid.s3.links.Links` and the buckets do in AWS.

    Parameters
    ----------
    analyzer : Analyzer
        Analyses what is uploaded, at once.
    settings : Settings
        How long a link is good for.
    """

    def __init__(self, analyzer: Analyzer, settings: Settings) -> None:
        self._analyzer = analyzer
        self._seconds = settings.upload_link_seconds
        self._uploads: OrderedDict[str, _Upload] = OrderedDict()

    def create(self, content_type: str, smallest: int, largest: int) -> Link:
        """Make a link for one image of a type and size."""
        expires = int(time.time()) + self._seconds
        identifier = new_id(expires)
        self._uploads[identifier] = _Upload(content_type, smallest, largest)
        while len(self._uploads) > MAX_UPLOADS:
            self._uploads.popitem(last=False)
        return Link(identifier, ADDRESS, {"key": identifier, "Content-Type": content_type}, expires)

    def take(self, fields: Mapping[str, str], data: bytes) -> None:
        """Take the image of a link, and analyse it.

        Raises
        ------
        NotFoundError
            If there is no such link, or it has ended.
        InvalidRequestError
            If the link is for another type or size.
        ModelUnavailableError
            If no model works here.
        """
        identifier = fields.get("key", "")
        upload = self._find(identifier)
        if expiry_of(identifier) < time.time():
            raise unused_link_error()
        if fields.get("Content-Type") != upload.content_type or not upload.smallest <= len(data) <= upload.largest:
            raise InvalidRequestError("The link is for an image of another type or size; send what it was asked for.")
        processed = process_image(self._analyzer, data, Source(key=identifier))
        if processed.record:
            record_prediction(processed.record)
        upload.files = processed.files

    def find(self, identifier: str) -> dict[str, Any] | None:
        """Return what became of an image; None while none came.

        Raises
        ------
        NotFoundError
            If there is no such link, or it ended before an image came.
        """
        expires = expiry_of(identifier)
        files = self._find(identifier).files
        written = files.get(RESULT) or files.get(ERROR)
        if written is None:
            if expires < time.time():
                raise unused_link_error()
            return None
        record: dict[str, Any] = json.loads(written)
        return record

    def image_urls(self, identifier: str) -> Mapping[str, str]:
        """Return addresses of the images beside a result, by their kind."""
        return {kind: f"{ADDRESS}/{identifier}/{name}" for kind, name in (("heatmap", HEATMAP), ("overlay", OVERLAY))}

    def file(self, identifier: str, name: str) -> bytes:
        """Return a file of a result.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        files = self._find(identifier).files
        if name not in files:
            raise NotFoundError("There is no such file.")
        return files[name]

    def _find(self, identifier: str) -> _Upload:
        expiry_of(identifier)
        if identifier not in self._uploads:
            raise NotFoundError("This process knows no such upload; it remembers the last hundred since its start.")
        return self._uploads[identifier]


def local_uploads_router(links: LocalLinks, settings: Settings) -> APIRouter:
    """Build the routes that stand in for the buckets."""
    router = APIRouter(include_in_schema=False)

    async def form(request: Request) -> Body:
        return await receive_form(request, settings.max_upload_bytes + FORM_BYTES, settings.body_seconds)

    @router.post(ADDRESS, status_code=204)
    @blocking
    def take(body: Annotated[Body, Depends(form)]) -> None:
        image, fields = parse_form(body, "file")
        links.take(fields, image)

    @router.get(ADDRESS + "/{identifier}/{name}")
    def file(identifier: str, name: str) -> Response:
        return Response(links.file(identifier, name), media_type=MEDIA_TYPES.get(name))

    return router
