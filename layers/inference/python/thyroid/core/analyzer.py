"""Image bytes to an :class:`~thyroid.core.analysis.Analysis`, with one compiled model."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import thyroid
from thyroid.core import explain, field_of_view, golden, imaging, input_check
from thyroid.core.analysis import Analysis, ImageFacts
from thyroid.core.assessment import assess
from thyroid.core.engine import Engine
from thyroid.core.explain import Explanation
from thyroid.core.options import DEFAULT_OPTIONS, ExplainOptions
from thyroid.core.preprocessing import prepare
from thyroid.errors import ModelUnavailableError, UnsuitableImageError
from thyroid.settings import Settings

LOGGER = logging.getLogger(__name__)


def load_engine(settings: Settings) -> Engine:
    """Open the compiled model that the settings name, and prove that it scores here as it did when it was compiled.

    Raises
    ------
    ModelUnavailableError
        If it is missing or damaged, does not run here, or scores its golden image otherwise.
    """
    try:
        from thyroid.core.litert_engine import LiteRTEngine  # the runtime is loaded with the first model, not before

        engine = LiteRTEngine(settings.model_dir, settings.threads, settings.parallel)
        golden.prove(engine, settings.model_dir)
    except ModelUnavailableError:
        raise
    except Exception as error:
        # Of the runtime, which may not even load, or of a golden image that cannot be decoded. No image is scored then.
        kind = type(error).__name__
        raise ModelUnavailableError(f"The model does not run here ({kind}); run `make model` again.") from error
    return engine


class Analyzer:
    """Scores and explains images with one compiled model, which is loaded once, on first use.

    Parameters
    ----------
    settings : Settings
        Where the model is and how large an image may be.
    open_engine : callable, optional
        Opens and proves the model that the settings name.
    """

    def __init__(self, settings: Settings, open_engine: Callable[[Settings], Engine] = load_engine) -> None:
        self._settings = settings
        self._open_engine = open_engine
        self._loaded: Engine | None = None
        self._lock = threading.Lock()

    @property
    def code_version(self) -> str:
        """Version of this package and, where it is known, the commit."""
        revision = self._settings.revision
        return f"{thyroid.__version__}+{revision}" if revision else thyroid.__version__

    def engine(self) -> Engine:
        """Return the loaded model; the first call loads and proves it, and a call after a failed one tries again.

        Raises
        ------
        ModelUnavailableError
            As :func:`load_engine` says.
        """
        with self._lock:
            if self._loaded is None:
                self._loaded = self._open_engine(self._settings)
            return self._loaded

    def score(self, data: bytes, *, sha256: str | None = None) -> Analysis:
        """Score an image file.

        Parameters
        ----------
        data : bytes
            The whole file.
        sha256 : str, optional
            Of `data`, where the caller knows it; a large file is hashed once.

        Raises
        ------
        UnsuitableImageError
            If the image does not look like ultrasound, and the settings refuse such images.
        ThyroidError
            As :func:`thyroid.core.imaging.decode` and :meth:`engine` say.
        """
        return self._analysis(data, sha256, None)

    def explain(self, data: bytes, options: ExplainOptions = DEFAULT_OPTIONS, *, sha256: str | None = None) -> Analysis:
        """Score an image file and show which parts of it speak for a class.

        Raises
        ------
        UnknownLayerError
            If the model has no such layer.
        ThyroidError
            As for :meth:`score`.
        """
        return self._analysis(data, sha256, options)

    def warm_up(self) -> None:
        """Load and prove the model before an image comes.

        If it does not work, the log says why, and each request that needs it tries again.
        """
        self._works(self.engine)

    def works(self) -> bool:
        """Return whether the model works here: its golden image got its golden score, and all of it opens.

        Predictions wait for the first alone: other layers' maps are opened, and checked, when one is asked for.
        """
        return self._works(lambda: self.engine().check())

    def _works(self, load: Callable[[], object]) -> bool:
        try:
            load()
        except ModelUnavailableError as error:
            LOGGER.error("The model does not work: %s", error.detail)
            return False
        return True

    def _analysis(self, data: bytes, sha256: str | None, options: ExplainOptions | None) -> Analysis:
        engine = self.engine()
        manifest = engine.manifest
        # An unknown layer is refused before the image is decoded, which costs far more.
        layer = manifest.layer(options.layer_name).name if options else ""
        started = time.perf_counter()
        pixels = imaging.decode(data, max_pixels=self._settings.max_pixels).pixels
        box = field_of_view.find(pixels)
        checked = input_check.check(pixels, box)
        if self._settings.refuse_unsuitable and not checked.looks_like_ultrasound:
            raise UnsuitableImageError(f"{checked.detail} No score is given; send a B-mode ultrasound image.")
        _, height, width, _ = manifest.input_shape
        prepared = prepare(pixels, manifest.preprocessing, height, width, box)
        explanation: Explanation | None = None
        if options:
            score, evidence = engine.score_and_map(prepared.tensor, options)
            seconds = time.perf_counter() - started
            explanation = explain.explain(pixels, evidence, prepared.box, layer, options)
        else:
            score = engine.score(prepared.tensor)
            seconds = time.perf_counter() - started
        height, width = pixels.shape[:2]
        return Analysis(
            time=datetime.now(UTC),
            image=ImageFacts(width, height, sha256 or hashlib.sha256(data).hexdigest()),
            field_of_view=prepared.box,
            input_check=checked,
            assessment=assess(score, manifest),
            model=manifest.reference,
            code_version=self.code_version,
            duration_ms=round(1000.0 * seconds, 3),
            explanation=explanation,
        )
