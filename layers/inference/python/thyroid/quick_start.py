"""A quick start of a process, most of which is imports."""

import gc

from pydantic import BaseModel, ConfigDict

from thyroid.settings import one_thread_for_products


def begin() -> None:
    """Speed up the imports that follow; called before them.

    Schemas are built when they are first used: FastAPI alone defines forty for OpenAPI. The garbage collector is off:
    imports make next to no garbage.
    """
    one_thread_for_products()
    BaseModel.model_config = ConfigDict(defer_build=True)
    gc.disable()


def ready() -> None:
    """Turn the garbage collector on again; what existed at the first call is never collected.

    Where one function's module imports those of others, the first of them calls this; the rest is imported as usual.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
