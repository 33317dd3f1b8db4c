"""Runs a compiled model: score and class activation maps of a prepared picture, with LiteRT.

The engine has no state that an answer could depend on: the same input gives the same bits, whatever came before.
"""

import hashlib
import threading
from pathlib import Path
from typing import Any, cast

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from thyroid.errors import ModelUnavailableError
from thyroid.manifest import GraphFile, Manifest

Map = NDArray[np.float32]


class Engine:
    """A compiled model, ready to answer; safe to share between threads.

    Parameters
    ----------
    folder : pathlib.Path
        The artifact: ``model.json`` and the graph files that it names.
    threads : int
        Threads that one inference uses.

    Attributes
    ----------
    manifest : thyroid.manifest.Manifest
        What the artifact says of itself.

    Raises
    ------
    ModelUnavailableError
        If the artifact is missing, incomplete, or a file's hash is not the manifest's.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self.manifest = Manifest.load(folder)
        self._folder, self._threads = folder, threads
        self._score_graph = self._open(self.manifest.score_graph)
        self._maps_graph: _Graph | None = None
        self._opening = threading.Lock()

    def check(self) -> None:
        """Open whatever is not open yet.

        Raises
        ------
        ModelUnavailableError
            If a file is missing or damaged, or lacks what the manifest promises of it.
        """
        promised = {signature_name(layer.height, layer.width) for layer in self.manifest.conv_layers}
        if "score" not in self._score_graph.signatures() or not promised <= self._maps().signatures():
            raise ModelUnavailableError(
                "The graphs are not the manifest's; run `make model` to compile the model again."
            )

    def _maps(self) -> "_Graph":
        # Opened on first use: most callers ask for the default layer alone, which the score's graph gives.
        with self._opening:
            if self._maps_graph is None:
                self._maps_graph = self._open(self.manifest.maps_graph)
            return self._maps_graph

    def score(self, tensor: NDArray[np.float32]) -> float:
        """Return the probability of malignancy, in [0, 1], of an input of shape ``(1, height, width, 3)``."""
        return self.score_and_map(tensor)[0]

    def score_and_map(self, tensor: NDArray[np.float32], layer: str | None = None) -> tuple[float, Map]:
        """Return the score and a layer's class activation map.

        Parameters
        ----------
        tensor : float32 array of shape (1, height, width, 3)
            The prepared picture.
        layer : str or None
            One of the manifest's conv layers; None for the default one, whose map costs next to nothing.

        Returns
        -------
        score : float
            The probability of malignancy, in [0, 1]; the same for every layer.
        map : float32 array of shape (map height, map width)
            Signed evidence for malignancy, Σ_k mean(∂logit/∂A_k) · A_k. Its negative is the evidence against.

        Raises
        ------
        UnknownLayerError
            If there is no such layer; the message names those that exist.
        """
        wanted = self.manifest.layer(layer)
        default = self._score_graph.run("score", tensor)
        score = float(default["score"].item())
        if wanted.name == self.manifest.default_layer:
            return score, default["map"]
        size = (wanted.height, wanted.width)
        alike = [other.name for other in self.manifest.conv_layers if (other.height, other.width) == size]
        maps = self._maps().run(signature_name(*size), tensor)["maps"]
        return score, maps[alike.index(wanted.name)]

    def _open(self, graph: GraphFile) -> "_Graph":
        try:
            content = (self._folder / graph.file).read_bytes()
        except OSError as error:
            raise ModelUnavailableError(
                f"The compiled model lacks its file {graph.file}; run `make model` to compile it again."
            ) from error
        if hashlib.sha256(content).hexdigest() != graph.sha256:
            raise ModelUnavailableError(
                f"{graph.file} is not the file that the manifest names; run `make model` to compile the model again."
            )
        try:
            return _Graph(content, self._threads)
        except (ValueError, RuntimeError) as error:
            raise ModelUnavailableError(
                f"{graph.file} is no graph that the runtime can open; run `make model` to compile the model again."
            ) from error


def signature_name(height: int, width: int) -> str:
    """Return the name of the signature that gives all maps of one size."""
    return f"maps_{height}x{width}"


class _Graph:
    """One LiteRT file. Its interpreter keeps its tensors between calls, so one call runs at a time."""

    def __init__(self, content: bytes, threads: int) -> None:
        self._lock = threading.Lock()
        self._interpreter = Interpreter(model_content=content, num_threads=threads)
        self._runners: dict[str, Any] = {}

    def signatures(self) -> set[str]:
        with self._lock:
            return set(self._interpreter.get_signature_list())

    def run(self, signature: str, tensor: NDArray[np.float32]) -> dict[str, Map]:
        with self._lock:
            if signature not in self._runners:
                self._runners[signature] = self._interpreter.get_signature_runner(signature)
            return cast(dict[str, Map], self._runners[signature](image=tensor))
