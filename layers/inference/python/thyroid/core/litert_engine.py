"""Runs a compiled model with LiteRT: the score and the class activation maps of a prepared image.

The engine has no state that a result could depend on: the same input gives the same bits, whatever came before.
"""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from thyroid.core.manifest import GraphFile, Manifest
from thyroid.core.options import DEFAULT_OPTIONS, ExplainOptions
from thyroid.errors import ModelUnavailableError

Map = NDArray[np.float32]

# Signatures of the graphs.
SCORE, MAPS = "score", "maps"


class LiteRTEngine:
    """A compiled model, ready to score; safe to share between threads.

    Parameters
    ----------
    folder : pathlib.Path
        The artifact: ``model.json`` and the graph files that it names.
    threads : int
        Threads that one inference uses.
    parallel : int
        Inferences that run at the same time; others wait. Each beyond the first takes memory of its own.

    Attributes
    ----------
    manifest : thyroid.core.manifest.Manifest
        The artifact's manifest.

    Raises
    ------
    ModelUnavailableError
        If the artifact is missing or incomplete, or if a file's hash differs from the manifest's.
    """

    def __init__(self, folder: Path, threads: int = 1, parallel: int = 1) -> None:
        self.manifest = Manifest.load(folder)
        self._folder, self._threads = folder, threads
        self._slots = threading.Semaphore(parallel)
        self._score_graph = self._open(self.manifest.score_graph, SCORE)
        self._maps_graphs: dict[str, _Graph] = {}
        self._opening = threading.Lock()

    def check(self) -> None:
        """Open the graphs that are not open yet.

        Raises
        ------
        ModelUnavailableError
            If a file is missing or damaged.
        """
        for size in self.manifest.maps_graphs:
            self._maps(size)

    def _maps(self, size: str) -> "_Graph":
        # Opened on first use: most callers ask only for the default layer, whose map the score's graph returns.
        with self._opening:
            if size not in self._maps_graphs:
                self._maps_graphs[size] = self._open(self.manifest.maps_graphs[size], MAPS)
            return self._maps_graphs[size]

    def score(self, tensor: NDArray[np.float32]) -> float:
        """Return the probability of malignancy, in [0, 1], of an input of shape ``(1, height, width, 3)``."""
        return self.score_and_map(tensor)[0]

    def score_and_map(
        self, tensor: NDArray[np.float32], options: ExplainOptions = DEFAULT_OPTIONS
    ) -> tuple[float, Map]:
        """Return the score and a layer's class activation map.

        Parameters
        ----------
        tensor : float32 array of shape (1, height, width, 3)
            The prepared image.
        options : ExplainOptions
            Which layer. The map of the default layer costs next to nothing.

        Returns
        -------
        score : float
            The probability of malignancy, in [0, 1]; the same for every layer.
        map : float32 array of shape (map height, map width)
            Signed evidence for malignancy, Σ_k mean(∂logit/∂A_k) · A_k. Its negative is the evidence against.

        Raises
        ------
        UnknownLayerError
            If there is no such layer; the message names the layers that exist.
        """
        wanted = self.manifest.layer(options.layer_name)
        default = self._score_graph.run(tensor)
        score = float(default["score"].item())
        if wanted.name == self.manifest.default_layer:
            return score, default["map"]
        alike = [other.name for other in self.manifest.conv_layers if other.size == wanted.size]
        return score, self._maps(wanted.size).run(tensor)["maps"][alike.index(wanted.name)]

    def _open(self, graph: GraphFile, signature: str) -> "_Graph":
        try:
            content = (self._folder / graph.file).read_bytes()
        except OSError as error:
            raise ModelUnavailableError(
                f"The compiled model lacks its file {graph.file}; run `make model` to compile it again, and start anew."
            ) from error
        if hashlib.sha256(content).hexdigest() != graph.sha256:
            raise ModelUnavailableError(
                f"{graph.file} is not the file that the manifest names; run `make model` to compile the model again, "
                "and start anew."
            )
        try:
            return _Graph(content, signature, self._threads, self._slots)
        except Exception as error:  # the runtime documents no errors
            raise ModelUnavailableError(
                f"{graph.file} is no graph that the runtime can open; run `make model` to compile the model again."
            ) from error


class _Graph:
    """One LiteRT file.

    An interpreter keeps its tensors between calls, so each runs one call at a time. Another is created only if all are
    busy. All are created from the same bytes, whose hash was checked, whatever later happens to the file.
    """

    def __init__(self, content: bytes, signature: str, threads: int, slots: threading.Semaphore) -> None:
        self._content, self._signature, self._threads, self._slots = content, signature, threads, slots
        self._idle = [self._runner()]

    def run(self, tensor: NDArray[np.float32]) -> dict[str, Map]:
        with self._slots:
            try:
                runner = self._idle.pop()
            except IndexError:
                runner = self._runner()
            try:
                return cast(dict[str, Map], runner(image=tensor))
            finally:
                self._idle.append(runner)

    def _runner(self) -> Callable[..., Any]:
        interpreter = Interpreter(model_content=self._content, num_threads=self._threads)
        runner: Callable[..., Any] = interpreter.get_signature_runner(self._signature)
        return runner
