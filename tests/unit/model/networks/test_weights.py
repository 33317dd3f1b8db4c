"""Loading whole models from files: the published format, and all that is refused."""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any, NoReturn

import h5py
import keras
import numpy as np
import pytest

from thyroid_model.errors import ModelFileError
from thyroid_model.networks import hub, weights
from thyroid_model.networks.published_network import build_network

PUBLISHED = Path(__file__).parents[4].parent / "shared/published-model"
PUBLISHED_FILES = [PUBLISHED / "thyroid_cancer_model.h5", PUBLISHED / "second_training_run.h5"]
SUFFIXES = [".h5", ".keras"]

needs_published = pytest.mark.skipif(not PUBLISHED.exists(), reason="the published model is not on this machine")

# What the published file stores of its custom layers, besides dtype and trainable.
STORED = {"Avg2MaxPooling": set(), "DepthwiseSeparableConv": {"filters", "reg"}}

SEPARABLE_WEIGHTS = [
    *("dw.kernel", "dw.bias", "pw.kernel", "pw.bias", "norm.gamma", "norm.beta"),
    *("se.fc1.kernel", "se.fc1.bias", "se.fc2.kernel", "se.fc2.bias", "norm.moving_mean", "norm.moving_variance"),
]
POOLING_WEIGHTS = ["norm.gamma", "norm.beta", "norm.moving_mean", "norm.moving_variance"]


def randomised(model: keras.Model) -> keras.Model:
    rng = np.random.default_rng(7)
    model.set_weights([rng.uniform(0.05, 0.15, w.shape) for w in model.weights])
    return model


def edit_graph(path: Path, edit: Any) -> None:
    """Change the description of the graph in a legacy file."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        edit(config)
        file.attrs["model_config"] = json.dumps(config)


def as_published(config: dict[str, Any]) -> None:
    """Store custom layers by bare class name and with nearly empty configurations, and input and output in lists."""
    for end in ("input_layers", "output_layers"):
        config["config"][end] = [config["config"][end]]
    for layer in config["config"]["layers"]:
        kind = layer["class_name"] = layer["class_name"].removeprefix("thyroid>")
        if kind in STORED:
            keep = STORED[kind] | {"trainable", "dtype"}
            layer["config"] = {key: value for key, value in layer["config"].items() if key in keep}


@pytest.fixture(scope="session")
def network() -> keras.Model:
    return randomised(build_network(224))


@pytest.fixture(scope="session")
def like_published(network: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published graph with weights of our own, in the published file's format."""
    path: Path = tmp_path_factory.mktemp("model") / "like_published.h5"
    network.save(path)
    edit_graph(path, as_published)
    return path


@pytest.fixture(scope="session")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small network of ours in either format."""
    folder, model = tmp_path_factory.mktemp("small"), build_network(32)
    files = {suffix: folder / f"small{suffix}" for suffix in SUFFIXES}
    for path in files.values():
        model.save(path)
    return files


@pytest.fixture(params=SUFFIXES)
def small(request: pytest.FixtureRequest, small_files: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copy(small_files[request.param], tmp_path))


@pytest.fixture
def never_deserialised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if Keras is asked to make anything of a file."""

    def fail(*_: object, **__: object) -> NoReturn:
        pytest.fail("Keras was asked to load the file")

    monkeypatch.setattr(keras.models, "load_model", fail)


def attribute(layer: Any, path: str) -> np.ndarray[Any, Any]:
    for part in path.split("."):
        layer = getattr(layer, part)
    return np.asarray(layer)


def assert_loaded_exactly(path: Path) -> keras.Model:
    """Hold a loaded model against the arrays in its file, by position, as the format has it."""
    model = weights.load_model(path)
    assert model.count_params() == 278_039
    assert len(model.layers) == 50
    by_place = {"DepthwiseSeparableConv": SEPARABLE_WEIGHTS, "Avg2MaxPooling": POOLING_WEIGHTS}
    with h5py.File(path) as file:
        group = file["model_weights"]
        for name, layer in zip(group.attrs["layer_names"], model.layers, strict=True):
            stored = [np.asarray(group[name][weight]) for weight in group[name].attrs["weight_names"]]
            places = by_place.get(type(layer).__name__)
            loaded = [attribute(layer, place) for place in places] if places else layer.get_weights()
            assert len(stored) == len(loaded) == len(layer.weights)
            for theirs, ours in zip(stored, loaded, strict=True):
                np.testing.assert_array_equal(ours, theirs, strict=True)
    return model


def test_a_file_like_the_published_one_loads_bit_equal(network: keras.Model, like_published: Path) -> None:
    loaded = assert_loaded_exactly(like_published)
    image = np.random.default_rng(0).uniform(size=(2, 224, 224, 3)).astype(np.float32)
    np.testing.assert_array_equal(loaded(image), network(image))


def test_the_file_that_the_tests_make_looks_like_the_published_one(like_published: Path) -> None:
    with h5py.File(like_published) as file:
        graph = json.loads(file.attrs["model_config"])["config"]
    layers = graph["layers"]
    custom = {layer["class_name"]: set(layer["config"]) for layer in layers if layer["class_name"] in STORED}
    assert custom == {
        "Avg2MaxPooling": {"trainable", "dtype"},
        "DepthwiseSeparableConv": {"trainable", "dtype", "filters", "reg"},
    }
    if PUBLISHED.exists():
        theirs = json.loads((PUBLISHED / "model_config.json").read_text("utf-8"))["config"]
        assert {**graph, "layers": None} == {**theirs, "layers": None}
        for ours, published in zip(layers, theirs["layers"], strict=True):
            assert ours["class_name"] == published["class_name"]
            if ours["class_name"] in STORED:
                assert ours == published


def test_the_loaded_model_takes_an_image_and_gives_a_score_not_lists_of_one(like_published: Path) -> None:
    scores = weights.load_model(like_published)(np.zeros((1, 224, 224, 3), np.float32))
    assert scores.shape == (1, 1)


@needs_published
@pytest.mark.parametrize("path", PUBLISHED_FILES, ids=lambda path: path.stem)
def test_the_published_files_load_exactly(path: Path) -> None:
    model = assert_loaded_exactly(path)
    score = float(model(np.zeros((1, 224, 224, 3), np.float32))[0, 0])
    assert 0 < score < 1


@needs_published
def test_the_published_file_is_the_one_that_is_pinned() -> None:
    content = PUBLISHED_FILES[0].read_bytes()
    pinned = hub.published()
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (pinned.sha256, pinned.size)


def test_a_model_of_ours_loads_from_either_format_with_its_names(small: Path) -> None:
    model = weights.load_model(small)
    assert [layer.name for layer in model.layers] == [layer.name for layer in build_network(32).layers]
    assert not model.compiled


def test_training_state_in_the_file_is_left_alone(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    for suffix in SUFFIXES:
        model.save(tmp_path / f"compiled{suffix}")
        assert not weights.load_model(tmp_path / f"compiled{suffix}").compiled


def rename_class(path: Path, old: str, new: str) -> None:
    """Change a class name in the description of the graph, in either format."""
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = file.attrs["model_config"].replace(old, new)
        return
    source = path.rename(path.with_name("source"))
    with zipfile.ZipFile(source) as original, zipfile.ZipFile(path, "w") as changed:
        for name in original.namelist():
            content = original.read(name)
            changed.writestr(name, content.replace(old.encode(), new.encode()) if name == "config.json" else content)


@pytest.mark.usefixtures("never_deserialised")
def test_an_unknown_layer_is_refused_by_name_before_anything_is_made(small: Path) -> None:
    rename_class(small, '"Resizing"', '"Rescrambling"')
    with pytest.raises(ModelFileError, match=r'unknown class, Rescrambling named "resizing_2"\..*layers\.py'):
        weights.load_model(small)


@pytest.mark.usefixtures("never_deserialised")
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("nested", [False, True])
def test_a_lambda_layer_is_refused_before_anything_is_made(suffix: str, nested: bool, tmp_path: Path) -> None:
    harmless = keras.layers.Lambda(lambda x: x, name="sneaky")
    layer = keras.Sequential([harmless]) if nested else harmless
    keras.Sequential([keras.Input((4, 3)), layer]).save(tmp_path / f"model{suffix}")
    with pytest.raises(ModelFileError, match='Lambda layer named "sneaky", which may run code'):
        weights.load_model(tmp_path / f"model{suffix}")


@pytest.mark.usefixtures("never_deserialised")
@pytest.mark.parametrize("unsafe", ["TFSMLayer", "TorchModuleWrapper", "__lambda__", "function"])
def test_other_ways_to_run_code_are_refused_too(unsafe: str, like_published: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(like_published, tmp_path))
    rename_class(path, '"GlorotUniform"', f'"{unsafe}"')
    with pytest.raises(ModelFileError, match=unsafe):
        weights.load_model(path)


@pytest.mark.usefixtures("never_deserialised")
def test_a_known_name_from_a_foreign_module_is_refused(like_published: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(like_published, tmp_path))
    rename_class(path, '"keras.initializers"', '"kerasimilar.initializers"')
    with pytest.raises(ModelFileError, match="unknown class, GlorotUniform"):
        weights.load_model(path)


@pytest.mark.usefixtures("never_deserialised")
@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.999])
def test_a_truncated_file_is_named(small: Path, kept: float) -> None:
    content = small.read_bytes()
    small.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(ModelFileError, match=rf"{small.name} is truncated, damaged or not .*Download the file again"):
        weights.load_model(small)


@pytest.mark.usefixtures("never_deserialised")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_another_format_is_named(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"page{suffix}"
    path.write_text("<html>Sign in to download</html>")
    with pytest.raises(ModelFileError, match="not a Keras model"):
        weights.load_model(path)


@pytest.mark.usefixtures("never_deserialised")
@pytest.mark.parametrize(
    ("name", "message"),
    [("model.onnx", r"Use a file that ends in \.h5, \.hdf5 or \.keras"), ("absent.h5", "There is no file .*absent")],
)
def test_a_wrong_path_is_named(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=message):
        weights.load_model(tmp_path / name)


@pytest.mark.usefixtures("never_deserialised")
def test_a_file_of_weights_only_is_named(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]).save_weights(tmp_path / "model.weights.h5")
    with pytest.raises(ModelFileError, match=r"weights only.*model\.save"):
        weights.load_model(tmp_path / "model.weights.h5")


@pytest.mark.usefixtures("never_deserialised")
@pytest.mark.parametrize("text", ["{", "[]", "null", '{"class_name": ["Functional"]}'])
def test_a_damaged_description_is_named(text: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs["model_config"] = text
    with pytest.raises(ModelFileError, match=r"damaged|unknown class"):
        weights.load_model(tmp_path / "model.h5")


def test_weights_that_do_not_fit_the_graph_are_named(like_published: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(like_published, tmp_path))
    with h5py.File(path, "r+") as file:
        group = file["model_weights/dense_10"]
        group.attrs["weight_names"] = group.attrs["weight_names"][:1]
    with pytest.raises(ModelFileError, match=r"cannot rebuild the model in like_published\.h5: .*dense_10"):
        weights.load_model(path)
