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
    """Have garbage looked for again, but not in what is there the first time that this is called: that stays.

    Where one function's module imports those of others, the first of these calls it, and the rest is imported as usual.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
