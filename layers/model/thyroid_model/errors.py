"""What can go wrong between a model's source and a loaded model, as types."""


class ModelSourceError(Exception):
    """A model cannot be had from its source.

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
    """The hub does not give the file, or gives another one than was pinned."""


class ModelFileError(ModelSourceError):
    """The file is not a model that can be loaded, or not one that may be."""
