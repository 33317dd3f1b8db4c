"""Loads a Keras model from an untrusted file.

The configuration of the graph is read as plain JSON first, and every class that it names is checked, before Keras
deserialises it: a Lambda layer, for example, contains code that would run on loading.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras

from thyroid_model.errors import ModelFileError
from thyroid_model.networks import layers
from thyroid_model.networks.layers import CUSTOM_OBJECTS

_LEGACY_SUFFIXES = (".h5", ".hdf5")
_NATIVE_SUFFIX = ".keras"

# Keras classes that run code, or read other files, by instructions of the model file.
_UNSAFE = {
    "FlaxLayer",
    "IntegerLookup",
    "JaxLayer",
    "Lambda",
    "StringLookup",
    "TFSMLayer",
    "TextVectorization",
    "TorchModuleWrapper",
}
_KERAS_MODULES = (
    keras.layers,
    keras.initializers,
    keras.regularizers,
    keras.constraints,
    keras.dtype_policies,
    keras.optimizers,
    keras.losses,
    keras.metrics,
)
_KERAS_CLASSES = {name for module in _KERAS_MODULES for name in dir(module) if isinstance(getattr(module, name), type)}
# With the classes of models, and the markers of tensors and tuples in the JSON.
_KNOWN = (_KERAS_CLASSES | {"Functional", "Model", "Sequential", "__keras_tensor__", "__tuple__"}) - _UNSAFE

_GET_AGAIN = "Download the file again, or ask its author to save it again."


def load_model(path: Path) -> keras.Model:
    """Load a model, graph and weights, without its training configuration.

    Parameters
    ----------
    path : pathlib.Path
        A legacy H5 file (``.h5``, ``.hdf5``) or a native one (``.keras``). Custom layers may be stored by bare class
        name and with nearly empty configurations, as in the published file.

    Raises
    ------
    ModelFileError
        If the file does not exist, is of another format, truncated or damaged, contains weights only, contains a class
        that is unknown or unsafe, or its weights do not match its graph.
    """
    _check_classes(_read_config(path), path.name)
    try:
        model = keras.models.load_model(path, custom_objects=CUSTOM_OBJECTS, compile=False)
    except Exception as error:  # Keras raises errors of many types for invalid values
        raise ModelFileError(f"Keras cannot rebuild the model in {path.name}: {error}", _GET_AGAIN) from error
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        return model
    # Keras 3.8 stored a single input as a list of one, and would now warn where a tensor is passed without a list.
    return keras.Model(model.inputs[0], model.outputs[0], name=model.name)


def _read_config(path: Path) -> dict[str, Any]:
    """Read the configuration of the graph as JSON, without deserialising it."""
    if path.suffix not in (*_LEGACY_SUFFIXES, _NATIVE_SUFFIX):
        raise ModelFileError(
            f"{path.name} does not have the suffix of a Keras model.",
            f"Use a file that ends in {', '.join(_LEGACY_SUFFIXES)} or {_NATIVE_SUFFIX}.",
        )
    try:
        config = json.loads(_read_native(path) if path.suffix == _NATIVE_SUFFIX else _read_legacy(path))
    except FileNotFoundError as error:
        raise ModelFileError(f"There is no file {path}.", "Check the path.") from error
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelFileError(
            f"{path.name} is truncated, damaged or not a Keras model ({error}).", _GET_AGAIN
        ) from error
    except KeyError as error:
        raise ModelFileError(
            f"{path.name} contains no configuration of a graph; it may contain weights only.",
            "Save the whole model with `model.save`, not its weights.",
        ) from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            f"The configuration of the graph in {path.name} is damaged ({error}).", _GET_AGAIN
        ) from error
    if not isinstance(config, dict):
        raise ModelFileError(f"The configuration of the graph in {path.name} is damaged.", _GET_AGAIN)
    return config


def _read_legacy(path: Path) -> str | bytes:
    with h5py.File(path) as file:
        text: str | bytes = file.attrs["model_config"]
        return text


def _read_native(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read("config.json")


def _check_classes(config: dict[str, Any], file: str) -> None:
    for entry in _objects({**config, "compile_config": None}):  # ignored, since the model is not compiled
        name, module = entry["class_name"], entry.get("module")
        if isinstance(name, str) and name in _UNSAFE:
            raise ModelFileError(
                f"{file} contains a {name} layer{_own_name(entry)}, which may run code or read files on loading.",
                "Ask its author to rebuild the model without it; it is never loaded.",
            )
        if not _is_known(name, module):
            raise ModelFileError(
                f"{file} contains an unknown class, {name}{_own_name(entry)}.",
                "Only Keras's own layers and "
                f"{', '.join(CUSTOM_OBJECTS)} can be loaded; add the class to "
                "thyroid_model/networks/layers.py if you trust it.",
            )


def _is_known(name: object, module: object) -> bool:
    if not isinstance(name, str):
        return False
    if name.removeprefix("thyroid>") in CUSTOM_OBJECTS:
        return module in (
            None,
            layers.__name__,
            "thyroid_model.layers",
        )  # the last one is their module in files of before version 4
    return name in _KNOWN and (module is None or str(module).partition(".")[0] == "keras")


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a configuration, nested ones too."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


def _own_name(entry: dict[str, Any]) -> str:
    config = entry.get("config")
    name = entry.get("name") or (config.get("name") if isinstance(config, dict) else None)
    return f' named "{name}"' if name else ""
