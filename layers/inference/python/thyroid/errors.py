"""What can go wrong, as types.

Every error carries a stable ``code`` for programs and a sentence for people that says what to do next. How a code
becomes an HTTP status is told in one place, :mod:`thyroid.web.problems`; nothing here knows of HTTP.

No message ever holds pixels, a file name or anything else of a patient.
"""


class ThyroidError(Exception):
    """Base of all errors that a caller may meet.

    Attributes
    ----------
    code : str
        Stable name of the kind of error, part of the API.
    detail : str
        One sentence that says what is wrong and what to do.
    """

    code = "internal_error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidBase64Error(ThyroidError):
    """The ``image`` field is not base64."""

    code = "invalid_base64"


class InvalidRequestError(ThyroidError):
    """A field is missing, of the wrong type or out of its bounds, or the body cannot be parsed."""

    code = "invalid_request"


class PayloadTooLargeError(ThyroidError):
    """The body, or the image once decoded, is over its limit; the sentence names the limit."""

    code = "payload_too_large"


class RequestTimeoutError(ThyroidError):
    """The body did not arrive whole in the time that it has; the sentence names that time."""

    code = "request_timeout"


class UnsupportedMediaTypeError(ThyroidError):
    """The bytes are not an image format that is taken, or the content type is not one that is understood."""

    code = "unsupported_media_type"


class NotAcceptableError(ThyroidError):
    """The answer is bytes, and the request does not ask for its type in the way in which they come through."""

    code = "not_acceptable"


class UnreadableImageError(ThyroidError):
    """The format is right but the image cannot be decoded, or is too small to be processed."""

    code = "unreadable_image"


class UnsuitableImageError(ThyroidError):
    """The image does not look like what the model was trained on, and this deployment scores no such images."""

    code = "unsuitable_image"


class NotFoundError(ThyroidError):
    """There is nothing at this address, or the image was deleted before it was read."""

    code = "not_found"


class NotAnsweredError(ThyroidError):
    """An upload was given up: trying again and again did not help."""

    code = "not_answered"


class UploadsUnavailableError(ThyroidError):
    """No bucket takes images here."""

    code = "uploads_unavailable"


class UnknownLayerError(ThyroidError):
    """The layer asked for does not exist; the sentence names those that do."""

    code = "unknown_layer"


class ModelUnavailableError(ThyroidError):
    """The artifact is missing, damaged, or does not reproduce its golden score in this process."""

    code = "model_unavailable"


class OverloadedError(ThyroidError):
    """As many images wait for their turn as may; this one has to come again."""

    code = "overloaded"
