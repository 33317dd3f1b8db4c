"""What is measured: this service, the same on TensorFlow in the usual design, and model servers around that."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.function import ROOT
from benchmarks.image import body
from benchmarks.server import ServerConfig

_SOURCES = ":".join(map(str, (ROOT / "layers/inference/python", ROOT / "layers/model", ROOT)))
ENVIRONMENT = {"PYTHONPATH": _SOURCES, "OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
# The environment variables that the template sets by default.
AS_DEPLOYED = {
    "THYROID_TRACES": "true",
    "POWERTOOLS_METRICS_NAMESPACE": "Thyroid",
    "POWERTOOLS_SERVICE_NAME": "thyroid",
}
SERVICE, REFERENCE, COMPILED = "this service", "reference design", "reference design, tf.function"


@dataclass(frozen=True)
class Contender:
    """One service that is measured.

    Attributes
    ----------
    name : str
        Its name in the tables.
    handlers : mapping of str to str
        The Lambda handler of each endpoint; empty for what is not a function.
    environment : mapping
        Environment variables of its processes.
    server : ServerConfig
        How it is started as a local server.
    """

    name: str
    handlers: Mapping[str, str]
    environment: Mapping[str, str]
    server: ServerConfig


def _uvicorn(application: str) -> Any:
    def command(port: int, _: Path) -> Sequence[str]:
        return [sys.executable, "-m", "uvicorn", application, "--host", "127.0.0.1", "--port", str(port)]

    return command


def _of_functions(name: str, handlers: Mapping[str, str], application: str, **environment: str) -> Contender:
    variables = {**ENVIRONMENT, **environment}
    server = ServerConfig(_uvicorn(application), "/api/v1/predict", environment=variables)
    return Contender(name, handlers, variables, server)


_ENDPOINTS = ("predict", "gradcam", "analyze")
FUNCTIONS = (
    _of_functions(
        SERVICE, {name: f"functions.{name}.handler" for name in _ENDPOINTS}, "functions.local:app", **AS_DEPLOYED
    ),
    _of_functions(REFERENCE, dict.fromkeys(_ENDPOINTS, "benchmarks.reference.handler"), "benchmarks.reference:app"),
    _of_functions(
        COMPILED,
        dict.fromkeys(_ENDPOINTS, "benchmarks.reference.handler"),
        "benchmarks.reference:app",
        BENCH_COMPILED="true",
    ),
)


def _environment_of(name: str) -> Path:
    return ROOT / f".venv-bench-{name.lower()}" / "bin"


def _mlserver(port: int, folder: Path) -> Sequence[str]:
    model = {"name": "thyroid", "implementation": "benchmarks.servers.mlserver_runtime.Thyroid"}
    (folder / "model-settings.json").write_text(json.dumps(model))
    settings = {"host": "127.0.0.1", "http_port": port, "grpc_port": 0, "metrics_port": 0, "parallel_workers": 0}
    (folder / "settings.json").write_text(json.dumps(settings))
    return [str(_environment_of("MLServer") / "mlserver"), "start", str(folder)]


def _of_server(name: str, command: Any, path: str, **more: Any) -> Contender:
    variables = {**ENVIRONMENT, "BENTOML_DO_NOT_TRACK": "true"}
    return Contender(name, {}, variables, ServerConfig(command, path, environment=variables, **more))


SERVERS = (
    _of_server(
        "LitServe",
        lambda port, _: [
            str(_environment_of("LitServe") / "python"),
            "-m",
            "benchmarks.servers.litserve_server",
            str(port),
        ],
        "/predict",
    ),
    _of_server(
        "BentoML",
        lambda port, _: [
            *(str(_environment_of("BentoML") / "bentoml"), "serve", "benchmarks.servers.bentoml_service:Thyroid"),
            *("--host", "127.0.0.1", "--port", str(port)),
        ],
        "/predict",
    ),
    _of_server(
        "MLServer",
        _mlserver,
        "/v2/models/thyroid/infer",
        request=lambda: {"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [body()["image"]]}]},
        score=lambda response: float(json.loads(response["outputs"][0]["data"][0])["prediction"]["confidence_score"]),
    ),
)


def is_available(contender: Contender) -> bool:
    """Return whether the environment that a contender runs in is installed."""
    return contender not in SERVERS or (_environment_of(contender.name).parent / ".ready").exists()
