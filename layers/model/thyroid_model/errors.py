"""Errors between the source of a model and a loaded model."""


class ModelSourceError(Exception):
    """A model cannot be loaded from its source.

    Attributes
    ----------
    cause : str
        One sentence: what is wrong.
    next_step : str
        One sentence: what to do about it.
    """

    def __init__(self, cause: str, next_step: str) -> None:
        super().__init__(f"{cause} {next_step}")
        self.cause = cause
        self.next_step = next_step


class HubError(ModelSourceError):
    """The file cannot be downloaded from the hub, or its content does not match the pinned hash."""


class ModelFileError(ModelSourceError):
    """The file is not a model, or contains something that must not be loaded."""
