"""A process that answers soon after its start, of which imports are the most."""

import gc

from pydantic import BaseModel, ConfigDict

from thyroid.settings import one_thread_for_products


def begin() -> None:
    """Make the imports that follow quicker; called before them.

    Schemas are built when they are first used (FastAPI alone defines forty of OpenAPI, for the documentation), and
    nothing looks for garbage, of which imports make next to none.
    """
    one_thread_for_products()
    BaseModel.model_config = ConfigDict(defer_build=True)
    gc.disable()


def ready() -> None:
    """End what :func:`begin` began, the first time it is called: what is there then stays, and is never searched."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
