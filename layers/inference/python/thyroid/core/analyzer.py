"""What the service does with a picture, from bytes to answer. It knows neither HTTP nor AWS."""

import base64
import hashlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

import thyroid
from thyroid.core import explain, field_of_view, golden, imaging, input_check
from thyroid.core.assessment import Assessment, assess
from thyroid.core.audit import AuditRecord, utc_now
from thyroid.core.explain import Target
from thyroid.core.field_of_view import Box
from thyroid.core.manifest import Manifest
from thyroid.core.preprocessing import Prepared, prepare
from thyroid.errors import ModelUnavailableError, PayloadTooLargeError, UnsuitablePictureError
from thyroid.settings import Settings
from thyroid.web.schemas import (
    REPORT_SIZE,
    AnalyzeResponse,
    GradCAM,
    GradCAMImages,
    GradCAMResponse,
    HealthResponse,
    InputCheck,
    ModelInfoResponse,
    ModelReference,
    Prediction,
    PredictionResponse,
    Region,
    ReportedGradCAM,
    ReportedPicture,
    ReportResponse,
    RiskBand,
    ScoredClass,
    now,
)

LOGGER = logging.getLogger(__name__)

MODEL_NAME = "Thyroid Cancer Detection Model"

# A synchronous Lambda answer holds 6,291,556 bytes at most (AWS Lambda quotas); what is left is for the other fields.
LARGEST_IMAGES = 6_200_000


class Engine(Protocol):
    """What the service asks of :class:`thyroid.core.engine.Engine`."""

    @property
    def manifest(self) -> Manifest:
        """What is known of the model."""

    def check(self) -> None:
        """Open what is not open yet."""

    def score(self, tensor: npt.NDArray[np.float32]) -> float:
        """Return the malignancy score of one prepared picture."""

    def score_and_map(
        self, tensor: npt.NDArray[np.float32], layer: str | None = None
    ) -> tuple[float, npt.NDArray[np.float32]]:
        """Return the score and the signed evidence for malignancy at a layer."""


def load_engine(settings: Settings) -> Engine:
    """Open the compiled model that the settings name, and prove that it scores here as it did when it was compiled.

    Raises
    ------
    ModelUnavailableError
        If it is missing or damaged, does not run here, or scores its golden picture otherwise.
    """
    try:
        from thyroid.core.engine import Engine as LiteRTEngine  # the runtime is loaded with the first model, not before

        engine = LiteRTEngine(settings.model_dir, settings.threads, settings.parallel)
        golden.prove(engine, settings.model_dir)
    except ModelUnavailableError:
        raise
    except Exception as error:
        # Of the runtime, which may not even load, or of a golden picture that is none. Whatever it is, no picture is
        # scored by this model.
        kind = type(error).__name__
        raise ModelUnavailableError(f"The model does not run here ({kind}); run `make model` again.") from error
    return engine


@dataclass(frozen=True)
class _Explained:
    """What is known of a picture that was scored and explained.

    Attributes
    ----------
    picture : ReportedPicture
        Its size and its file's hash.
    box : Box
        The part of it that the network saw.
    """

    picture: ReportedPicture
    box: Box
    seen: input_check.InputCheck
    verdict: Assessment
    gradcam: GradCAM
    manifest: Manifest


class Service:
    """Predicts and explains with one compiled model, which is loaded once, on first use.

    Parameters
    ----------
    settings : Settings
        Where the model is and how large a picture may be.
    open_engine : callable, optional
        Opens and proves the model that the settings name.
    audit : callable, optional
        Is handed a record of each prediction just before it is answered.
    """

    def __init__(
        self,
        settings: Settings,
        open_engine: Callable[[Settings], Engine] = load_engine,
        audit: Callable[[AuditRecord], None] = lambda _record: None,
    ) -> None:
        self._settings = settings
        self._open_engine = open_engine
        self._audit = audit
        self._loaded: Engine | None = None
        self._lock = threading.Lock()

    def engine(self) -> Engine:
        """Return the loaded model; the first call loads and proves it, a failed one is tried again by the next.

        Raises
        ------
        ModelUnavailableError
            As :func:`load_engine` says.
        """
        with self._lock:
            if self._loaded is None:
                self._loaded = self._open_engine(self._settings)
            return self._loaded

    def predict(self, data: bytes, *, filename: str | None = None) -> PredictionResponse:
        """Score a picture file.

        Raises
        ------
        UnsuitablePictureError
            If the picture does not look like ultrasound, and the settings refuse such pictures.
        ThyroidError
            As :func:`thyroid.core.imaging.decode` and :meth:`engine` say.
        """
        engine = self.engine()
        started = time.perf_counter()
        picture = imaging.decode(data, max_pixels=self._settings.max_pixels)
        prepared, seen = self._checked(picture.pixels, engine.manifest)
        verdict = assess(engine.score(prepared.tensor), engine.manifest)
        self._audit(self._record(data, verdict, seen, engine.manifest, time.perf_counter() - started))
        return PredictionResponse(
            timestamp=now(),
            filename=filename,
            prediction=_prediction(verdict),
            risk_assessment=verdict.risk,
            recommendation=verdict.recommendation,
            model=_reference(engine.manifest),
            input_check=_input_check(seen),
        )

    def gradcam(
        self,
        data: bytes,
        *,
        filename: str | None = None,
        layer_name: str | None = None,
        target: Target = "malignant",
        size: int | None = None,
    ) -> GradCAMResponse:
        """Score a picture file and show which parts of it speak for a class.

        Raises
        ------
        UnknownLayerError
            If the model has no such layer.
        PayloadTooLargeError
            If the pictures would be too large to be sent back.
        ThyroidError
            As for :meth:`predict`.
        """
        explained = self._explain(data, layer_name, target, size)
        verdict, gradcam = explained.verdict, explained.gradcam
        return GradCAMResponse(
            timestamp=now(),
            filename=filename,
            layer_used=gradcam.layer_used,
            images=gradcam.images,
            prediction=ScoredClass(class_id=verdict.class_id, label=verdict.label, confidence_score=verdict.score),
            target=gradcam.target,
            has_evidence=gradcam.has_evidence,
            model=_reference(explained.manifest),
            input_check=_input_check(explained.seen),
        )

    def analyze(
        self,
        data: bytes,
        *,
        filename: str | None = None,
        include_gradcam: bool = True,
        layer_name: str | None = None,
        target: Target = "malignant",
        size: int | None = None,
    ) -> AnalyzeResponse:
        """Predict and, unless told not to, explain. Without Grad-CAM its other options are not looked at.

        Raises
        ------
        ThyroidError
            As for :meth:`gradcam`.
        """
        if not include_gradcam:
            return AnalyzeResponse(**dict(self.predict(data, filename=filename)), gradcam=None)
        explained = self._explain(data, layer_name, target, size)
        return AnalyzeResponse(
            timestamp=now(),
            filename=filename,
            prediction=_prediction(explained.verdict),
            risk_assessment=explained.verdict.risk,
            recommendation=explained.verdict.recommendation,
            gradcam=explained.gradcam,
            model=_reference(explained.manifest),
            input_check=_input_check(explained.seen),
        )

    def report(
        self,
        data: bytes,
        *,
        filename: str | None = None,
        include_gradcam: bool = True,
        layer_name: str | None = None,
        target: Target = "malignant",
        size: int = REPORT_SIZE,
    ) -> ReportResponse:
        """Score and explain a picture file, and tell all that is known of how that was done.

        Parameters
        ----------
        include_gradcam : bool
            Whether the pictures of the explanation are in the report; what it is of always is.
        size : int
            Longest side of these pictures, in pixels, up to 800.

        Raises
        ------
        ThyroidError
            As for :meth:`gradcam`.
        """
        explained = self._explain(data, layer_name, target, size)
        gradcam, box = explained.gradcam, explained.box
        return ReportResponse(
            timestamp=now(),
            filename=filename,
            prediction=_prediction(explained.verdict),
            risk_assessment=explained.verdict.risk,
            recommendation=explained.verdict.recommendation,
            gradcam=ReportedGradCAM(
                layer_used=gradcam.layer_used,
                images=gradcam.images if include_gradcam else None,
                target=gradcam.target,
                has_evidence=gradcam.has_evidence,
            ),
            picture=explained.picture,
            field_of_view=Region(left=box.left, top=box.top, right=box.right, bottom=box.bottom),
            model=_reference(explained.manifest),
            code_version=self.code_version,
            input_check=_input_check(explained.seen),
        )

    def model_info(self) -> ModelInfoResponse:
        """Describe the loaded model.

        Raises
        ------
        ModelUnavailableError
            As for :meth:`engine`.
        """
        manifest = self.engine().manifest
        return ModelInfoResponse(
            model_name=MODEL_NAME,
            input_shape=manifest.input_shape,
            output_shape=manifest.output_shape,
            total_parameters=manifest.total_parameters,
            classes=manifest.classes,
            conv_layers=[layer.name for layer in manifest.conv_layers],
            default_layer=manifest.default_layer,
            risk_bands=[RiskBand(**band.model_dump()) for band in manifest.risk_bands],
            model=_reference(manifest),
            description=manifest.description,
            evaluation=manifest.evaluation,
        )

    def warm_up(self) -> None:
        """Load and prove the model before a picture comes.

        Of one that does not work the log says why, and each request that needs it tries again.
        """
        self._works(self.engine)

    def health(self) -> HealthResponse:
        """Say whether the model works here: whether its golden picture got its golden score, and all of it opens.

        Predictions wait for the first alone: other layers' maps are opened, and judged, when one is asked for.
        """
        healthy = self._works(lambda: self.engine().check())
        return HealthResponse(
            status="healthy" if healthy else "unhealthy",
            model_loaded=healthy,
            timestamp=now(),
            version=thyroid.__version__,
        )

    def _works(self, load: Callable[[], object]) -> bool:
        try:
            load()
        except ModelUnavailableError as error:
            LOGGER.error("The model does not work: %s", error.detail)
            return False
        return True

    def _explain(self, data: bytes, layer_name: str | None, target: Target, size: int | None) -> _Explained:
        engine = self.engine()
        layer = engine.manifest.layer(layer_name).name  # before the picture is decoded, which costs far more
        started = time.perf_counter()
        picture = imaging.decode(data, max_pixels=self._settings.max_pixels)
        prepared, seen = self._checked(picture.pixels, engine.manifest)
        score, evidence = engine.score_and_map(prepared.tensor, layer)
        taken = time.perf_counter() - started
        activation, has_evidence = explain.class_activation(evidence, target)
        pictures = explain.render(picture.pixels, activation, prepared.box, size)
        explanation = GradCAM(
            layer_used=layer,
            images=_encoded(pictures),
            target=target,
            has_evidence=has_evidence,
        )
        verdict = assess(score, engine.manifest)
        record = self._record(data, verdict, seen, engine.manifest, taken)
        self._audit(record)
        height, width = picture.pixels.shape[:2]
        return _Explained(
            picture=ReportedPicture(width=width, height=height, sha256=record.input_sha256),
            box=prepared.box,
            seen=seen,
            verdict=verdict,
            gradcam=explanation,
            manifest=engine.manifest,
        )

    def _checked(self, pixels: npt.NDArray[np.uint8], manifest: Manifest) -> tuple[Prepared, input_check.InputCheck]:
        """Look at a picture, and make the network's input of it; the field of view is looked for once."""
        found = field_of_view.find(pixels)
        seen = input_check.check(pixels, found)
        if self._settings.refuse_unsuitable and not seen.looks_like_ultrasound:
            raise UnsuitablePictureError(f"{seen.detail} No score is given; send a B-mode ultrasound picture.")
        _, height, width, _ = manifest.input_shape
        return prepare(pixels, manifest.preprocessing, height, width, found), seen

    @property
    def code_version(self) -> str:
        """Version of this package and, where it is known, the commit."""
        revision = self._settings.revision
        return f"{thyroid.__version__}+{revision}" if revision else thyroid.__version__

    def _record(
        self, data: bytes, verdict: Assessment, seen: input_check.InputCheck, manifest: Manifest, seconds: float
    ) -> AuditRecord:
        return AuditRecord(
            time=utc_now(),
            input_sha256=hashlib.sha256(data).hexdigest(),
            model=_reference(manifest),
            code_version=self.code_version,
            score=verdict.score,
            label=verdict.label,
            risk=verdict.risk,
            input_reasons=seen.reasons,
            duration_ms=round(1000.0 * seconds, 3),
        )


def _encoded(pictures: explain.Pictures) -> GradCAMImages:
    images = GradCAMImages(
        original=base64.b64encode(pictures.original).decode("ascii"),
        heatmap=base64.b64encode(pictures.heatmap).decode("ascii"),
        overlay=base64.b64encode(pictures.overlay).decode("ascii"),
    )
    total = len(images.original) + len(images.heatmap) + len(images.overlay)
    if total > LARGEST_IMAGES:
        raise PayloadTooLargeError(
            f"The answer's pictures would take {total} bytes of at most {LARGEST_IMAGES}; ask for a smaller `size`."
        )
    return images


def _prediction(verdict: Assessment) -> Prediction:
    return Prediction(
        class_id=verdict.class_id,
        label=verdict.label,
        confidence_score=verdict.score,
        confidence_percentage=verdict.confidence_percentage,
    )


def _input_check(seen: input_check.InputCheck) -> InputCheck:
    return InputCheck(looks_like_ultrasound=seen.looks_like_ultrasound, reasons=list(seen.reasons), detail=seen.detail)


def _reference(manifest: Manifest) -> ModelReference:
    return ModelReference(name=manifest.name, version=manifest.version, sha256=manifest.sha256)
