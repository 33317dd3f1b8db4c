"""A process that answers soon after its start, of which imports are the most."""

import gc

from pydantic import BaseModel, ConfigDict


def begin() -> None:
    """Make the imports that follow quicker; called before them.

    Schemas are built when they are first used (FastAPI alone defines forty of OpenAPI, for the documentation), and
    nothing looks for garbage, of which imports make next to none.
    """
    BaseModel.model_config = ConfigDict(defer_build=True)
    gc.disable()


def ready() -> None:
    """End what :func:`begin` began; called when all is imported. What is there then stays, and is never searched."""
    gc.freeze()
    gc.enable()
