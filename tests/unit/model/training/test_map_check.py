from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest

from tests.unit.model.lesion_training import small_network
from thyroid_model.data.examples import View
from thyroid_model.networks.cam import tape_score_and_maps
from thyroid_model.training import map_check
from thyroid_model.training.faithfulness import measure
from thyroid_model.training.localisation import centre_prior, localise, outline_prior
from thyroid_model.training.map_check import CENTRE, GRAD_CAM, OUTLINES, PRIOR, RANDOM, UNTRAINED, MapCheck, Row

FRAMES = ["1_1.jpg", "2_1.jpg", "3_1.jpg", "4_1.jpg"]
FOLDS = np.array([0, 0, 1, 1])
LAYERS = ["patches", "lesion", "lesion_evidence/pw", "lesion_evidence"]


def made(seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return small_network().score


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return made(1)


@pytest.fixture(scope="module")
def untrained() -> keras.Model:
    return made(2)


@pytest.fixture(scope="module")
def seen() -> list[View]:
    """Frame 2 has no outline; the others' are at places of their own."""
    rng = np.random.default_rng(0)
    found = []
    for place in range(4):
        tensor = np.repeat(rng.random((32, 32, 1), dtype=np.float32), 3, axis=-1)
        mask = np.zeros((32, 32), np.uint8)
        if place != 1:
            mask[4 + 4 * place : 16 + 4 * place, 8:20] = 255
        found.append(View(tensor, mask, two_panes=False, caption=False))
    return found


@pytest.fixture(scope="module")
def rows(network: keras.Model, untrained: keras.Model, seen: list[View]) -> list[Row]:
    return MapCheck(network, untrained).measure(seen, FRAMES, FOLDS, 0, 1)


def one(rows: list[Row], kind: str, name: str, frame: str = "3_1.jpg") -> Row:
    (row,) = [row for row in rows if (row.kind, row.name, row.frame) == (kind, name, frame)]
    return row


def test_every_frame_of_the_fold_has_all_maps(rows: list[Row]) -> None:
    """Of the untrained network, blocks alone."""
    expected = [*((GRAD_CAM, name) for name in LAYERS), (UNTRAINED, "lesion_evidence")]
    expected += [(PRIOR, name) for name in (CENTRE, OUTLINES, RANDOM)]
    assert [(row.frame, row.kind, row.name) for row in rows] == [
        (frame, *which) for frame in ("3_1.jpg", "4_1.jpg") for which in expected
    ]
    assert {(row.seed, row.fold) for row in rows} == {(0, 1)}


def test_frames_without_an_outline_are_left_out(network: keras.Model, untrained: keras.Model, seen: list[View]) -> None:
    found = MapCheck(network, untrained).measure(seen, FRAMES, FOLDS, 1, 0)

    assert {row.frame for row in found} == {"1_1.jpg"}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layers_row_is_of_its_own_map(
    network: keras.Model, untrained: keras.Model, seen: list[View], rows: list[Row], name: str
) -> None:
    for kind, model in ((GRAD_CAM, network), (UNTRAINED, untrained)):
        if kind == UNTRAINED and name != "lesion_evidence":
            continue
        _, (evidence,) = tape_score_and_maps(model, [name])(seen[2].tensor[np.newaxis])
        expected = localise(evidence, seen[2].mask > 127)
        row = one(rows, kind, name)
        assert row.energy == pytest.approx(expected.energy, abs=1e-4)
        assert row.hit == int(expected.hit)


@pytest.mark.parametrize(("bias", "side"), [(9.0, 1), (-9.0, -1)])
def test_the_class_given_is_the_served_scores(
    network: keras.Model, untrained: keras.Model, seen: list[View], rows: list[Row], bias: float, side: int
) -> None:
    """GIVEN a served model that calls all suspicious, or nothing THEN its evidence is the map, or its reverse."""
    served = keras.models.clone_model(network)
    served.set_weights([*network.get_weights()[:-1], np.array([bias], np.float32)])

    found = one(MapCheck(network, untrained).measure(seen, FRAMES, FOLDS, 1, 1, served), GRAD_CAM, "lesion_evidence")

    _, (evidence,) = tape_score_and_maps(network, ["lesion_evidence"])(seen[2].tensor[np.newaxis])
    expected = localise(side * evidence, seen[2].mask > 127)
    assert found.hit_given == int(expected.hit)
    assert found.energy_given == pytest.approx(expected.energy, abs=1e-4)
    assert one(rows, PRIOR, CENTRE).hit_given is None


def test_the_prior_of_outlines_is_of_the_other_folds_frames_that_have_one(seen: list[View], rows: list[Row]) -> None:
    """Of fold 0 that is frame 1 alone: frame 2 has no outline."""
    elsewhere = outline_prior(seen[0].mask[np.newaxis] > 127)

    expected = localise(elsewhere, seen[2].mask > 127)

    assert one(rows, PRIOR, OUTLINES).energy == pytest.approx(expected.energy)
    assert 0 < expected.energy < 1
    centre = localise(centre_prior(17), seen[2].mask > 127)
    assert one(rows, PRIOR, CENTRE).energy == pytest.approx(centre.energy)


def test_curves_are_of_whole_layers_and_blocks_networks_as_trained_and_priors(rows: list[Row]) -> None:
    """Of layers, only blocks; what is inside of them, and plain layers before them, is shown by few."""
    with_curves = {(row.kind, row.name) for row in rows if row.deletion is not None}

    assert with_curves == {
        (GRAD_CAM, "lesion_evidence"),
        (UNTRAINED, "lesion_evidence"),
        (PRIOR, CENTRE),
        (PRIOR, OUTLINES),
        (PRIOR, RANDOM),
    }
    assert all((row.deletion is None) == (row.insertion is None) for row in rows)


def test_curves_follow_the_score_that_is_served(
    network: keras.Model, untrained: keras.Model, seen: list[View], rows: list[Row]
) -> None:
    """Of a served model whose score never changes, both curves are flat, whatever the map."""
    constant = keras.models.clone_model(network)
    constant.layers[-1].set_weights([np.zeros_like(w) for w in constant.layers[-1].get_weights()])

    found = MapCheck(network, untrained).measure(seen, FRAMES, FOLDS, 0, 1, constant)

    row = one(found, PRIOR, CENTRE)
    assert row.deletion == pytest.approx(0.5)
    assert row.insertion == pytest.approx(0.5)
    assert one(found, GRAD_CAM, "lesion_evidence").energy == one(rows, GRAD_CAM, "lesion_evidence").energy


def test_curves_are_of_the_networks_score(network: keras.Model, seen: list[View], rows: list[Row]) -> None:
    def score(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        colour = np.repeat(images[..., np.newaxis], 3, axis=-1)
        return np.asarray(network(colour, training=False), np.float64)[:, 0]

    expected = measure(seen[2].tensor[..., 0], centre_prior(17), score)

    row = one(rows, PRIOR, CENTRE)
    assert row.deletion == pytest.approx(expected.deletion, abs=1e-5)
    assert row.insertion == pytest.approx(expected.insertion, abs=1e-5)


def test_other_rounds_than_the_first_have_no_curves(
    network: keras.Model, untrained: keras.Model, seen: list[View]
) -> None:
    found = MapCheck(network, untrained).measure(seen, FRAMES, FOLDS, 1, 1)

    assert {row.seed for row in found} == {1}
    assert all(row.deletion is None and row.insertion is None for row in found)


def test_what_is_measured_are_the_weights_of_the_moment(
    network: keras.Model, untrained: keras.Model, seen: list[View]
) -> None:
    """TensorFlow traces the graph once; GIVEN other weights THEN the maps are the others'."""
    changing = made(1)
    check = MapCheck(changing, untrained)
    before = check.measure(seen, FRAMES, FOLDS, 1, 1)

    changing.set_weights(made(3).get_weights())
    after = check.measure(seen, FRAMES, FOLDS, 1, 1)

    fresh = MapCheck(made(3), untrained).measure(seen, FRAMES, FOLDS, 1, 1)
    for name in LAYERS:
        assert one(after, GRAD_CAM, name).energy == pytest.approx(one(fresh, GRAD_CAM, name).energy, abs=1e-4)
    of_random = one(before, UNTRAINED, "lesion_evidence").energy
    assert one(after, UNTRAINED, "lesion_evidence").energy == pytest.approx(of_random, abs=1e-4)
    assert [one(after, GRAD_CAM, n).energy for n in LAYERS] != [one(before, GRAD_CAM, n).energy for n in LAYERS]


def test_random_maps_are_the_rounds_and_the_folds_own(
    network: keras.Model, untrained: keras.Model, seen: list[View]
) -> None:
    """So it does not matter to them what was measured before."""
    check = MapCheck(network, untrained)

    def noise(seed: int, fold: int) -> Any:
        found = check.measure(seen, FRAMES, FOLDS, seed, fold)
        return [row.energy for row in found if row.name == map_check.RANDOM]

    first = noise(1, 1)
    assert first != noise(2, 1)
    assert first[:1] != noise(1, 0)
    assert first == noise(1, 1)
