import pytest

from benchmarks import size


def test_a_package_counts_with_all_that_it_needs() -> None:
    """FastAPI needs Pydantic, which needs its core."""
    alone = size.installed_megabytes(["pydantic-core"])

    assert 1 < alone < size.installed_megabytes(["pydantic"]) < size.installed_megabytes(["fastapi"])


def test_what_two_packages_need_counts_once() -> None:
    both = size.installed_megabytes(["pydantic", "pydantic-core"])

    assert both == pytest.approx(size.installed_megabytes(["pydantic"]))


def test_what_answers_is_a_small_part_of_what_the_reference_design_needs() -> None:
    """A budget: TensorFlow or its like in what answers would break it."""
    ours = size.installed_megabytes(size.our_packages())

    assert ours < size.installed_megabytes(size.REFERENCE_PACKAGES) / 5
    assert not {"tensorflow-cpu", "keras", "h5py"} & {name.split(">")[0] for name in size.our_packages()}


def test_without_an_engine_it_is_said_that_images_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(size.NoImageError, match="no Docker engine"):
        size.image_megabytes(size.OUR_IMAGE)
