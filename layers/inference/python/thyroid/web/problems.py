"""Errors to HTTP: the one place where a kind of error gets its status, as RFC 9457 problem details."""

from collections.abc import Mapping
from typing import NamedTuple, cast

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from thyroid.errors import (
    InvalidBase64Error,
    InvalidRequestError,
    ModelUnavailableError,
    NotAcceptableError,
    NotAnsweredError,
    NotFoundError,
    OverloadedError,
    PayloadTooLargeError,
    RequestTimeoutError,
    ThyroidError,
    UnknownLayerError,
    UnreadableImageError,
    UnsuitableImageError,
    UnsupportedMediaTypeError,
    UploadsUnavailableError,
)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "30"  # of a model that does not work
OVERLOADED_RETRY_AFTER_SECONDS = "1"


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(BaseModel):
    """An error as `application/problem+json` (RFC 9457)."""

    type: str = Field(examples=["urn:thyroid:problem:unknown_layer"])
    title: str = Field(examples=["Unknown layer"])
    status: int = Field(examples=[422])
    detail: str = Field(description="What is wrong and what to do.")
    code: str = Field(description="Stable name of the kind of error, for programs.", examples=["unknown_layer"])
    request_id: str = Field(description="Names the request in the logs.")
    errors: list[FieldProblem] | None = Field(
        default=None, description="Field by field, where fields are what is wrong."
    )


class Kind(NamedTuple):
    """HTTP status and title of a kind of error."""

    status: int
    title: str


KINDS: Mapping[type[ThyroidError], Kind] = {
    InvalidBase64Error: Kind(400, "Not base64"),
    RequestTimeoutError: Kind(408, "Too slow"),
    PayloadTooLargeError: Kind(413, "Too large"),
    UnsupportedMediaTypeError: Kind(415, "Not an image format that is taken"),
    NotFoundError: Kind(404, "Not found"),
    NotAcceptableError: Kind(406, "Not acceptable"),
    InvalidRequestError: Kind(422, "Invalid request"),
    UnreadableImageError: Kind(422, "Unreadable image"),
    UnsuitableImageError: Kind(422, "Unsuitable image"),
    UnknownLayerError: Kind(422, "Unknown layer"),
    NotAnsweredError: Kind(410, "Given up"),
    UploadsUnavailableError: Kind(501, "Not taken here"),
    ModelUnavailableError: Kind(503, "Model unavailable"),
    OverloadedError: Kind(503, "Overloaded"),
}
HEADERS: Mapping[type[ThyroidError], Mapping[str, str]] = {
    ModelUnavailableError: {"Retry-After": RETRY_AFTER_SECONDS},
    OverloadedError: {"Retry-After": OVERLOADED_RETRY_AFTER_SECONDS},
    RequestTimeoutError: {"Connection": "close"},  # nothing but the rest of the body could come on it
}
INTERNAL_ERROR = Kind(500, "Internal error")


class InvalidFieldsError(InvalidRequestError):
    """Fields are missing, of the wrong type or out of their bounds.

    Attributes
    ----------
    errors : list of FieldProblem
        What is wrong, field by field.
    """

    def __init__(self, errors: list[FieldProblem]) -> None:
        super().__init__("The request is not valid: " + "; ".join(f"{e.field}: {e.message}" for e in errors) + ".")
        self.errors = errors

    @classmethod
    def from_validation(cls, error: ValidationError) -> "InvalidFieldsError":
        """Keep of a validation error what names the fault, and nothing of what was sent."""
        return cls(
            [
                FieldProblem(field=".".join(str(part) for part in item["loc"]) or "body", message=item["msg"])
                for item in error.errors(include_url=False, include_context=False, include_input=False)
            ]
        )


def kind_of_code(code: str) -> Kind:
    """Return status and title of an error that was stored, by its code."""
    return next((kind for error, kind in KINDS.items() if error.code == code), INTERNAL_ERROR)


def kind_of(error: ThyroidError) -> Kind:
    """Return status and title of an error by its nearest type in `KINDS`."""
    for ancestor in type(error).__mro__:
        if ancestor in KINDS:
            return KINDS[ancestor]
    return INTERNAL_ERROR


def problem(
    request: Request,
    status: int,
    title: str,
    code: str,
    detail: str,
    *,
    errors: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Build the response for an error.

    The request's state carries the request id here from the middleware, and the code back to it for the log.
    """
    request.state.problem = code
    body = Problem(
        type=f"urn:thyroid:problem:{code}",
        title=title,
        status=status,
        detail=detail,
        code=code,
        request_id=getattr(request.state, "request_id", ""),
        errors=errors,
    )
    return JSONResponse(body.model_dump(exclude_none=True), status, headers, MEDIA_TYPE)


def unexpected(request: Request) -> JSONResponse:
    """Build the response for an unforeseen error; it says nothing of the inside."""
    return problem(
        request,
        *INTERNAL_ERROR,
        ThyroidError.code,
        "Something went wrong on our side; try again, and if it stays so, report the request id.",
    )


def install(app: FastAPI) -> None:
    """Make `app` return every error as a problem."""
    app.add_exception_handler(ThyroidError, _on_thyroid_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)


def _on_thyroid_error(request: Request, error: Exception) -> JSONResponse:
    error = cast(ThyroidError, error)
    status, title = kind_of(error)
    if status == INTERNAL_ERROR.status:
        return unexpected(request)
    return problem(
        request,
        status,
        title,
        error.code,
        error.detail,
        errors=error.errors if isinstance(error, InvalidFieldsError) else None,
        headers=HEADERS.get(type(error)),
    )


def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    """Return a problem for what the router itself refuses: an address or a method that does not exist."""
    error = cast(HTTPException, error)
    if error.status_code == 404:
        title, code, detail = "Not found", "not_found", "There is nothing at this address; `/` lists what there is."
    elif error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "another")
        title, code, detail = "Method not allowed", "method_not_allowed", f"Use {allowed} at this address."
    else:
        title, code, detail = "Request refused", "invalid_request", "The request cannot be understood; see `/docs`."
    return problem(request, error.status_code, title, code, detail, headers=error.headers)


def _on_disconnect(request: Request, _error: Exception) -> JSONResponse:
    """No client reads this response; it keeps a client that left from counting as a fault of ours."""
    return problem(request, 400, "Request refused", "invalid_request", "The request ended before its body did.")
