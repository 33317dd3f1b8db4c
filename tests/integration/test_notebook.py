"""The notebook is run from top to bottom, and says what it said when it was last kept."""

import nbformat
import pytest

from docs.make_notebook import NOTEBOOK, executed


def told(notebook: nbformat.NotebookNode) -> list[str]:
    """Return what its cells have written, and of what kind is what they show."""
    return [
        output["text"] if output.output_type == "stream" else " ".join(sorted(output["data"]))
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]


@pytest.fixture(scope="module")
def kept() -> nbformat.NotebookNode:
    notebook: nbformat.NotebookNode = nbformat.read(NOTEBOOK, as_version=4)
    return notebook


@pytest.mark.usefixtures("artifact")
def test_the_notebook_runs_and_says_what_is_kept_of_it(kept: nbformat.NotebookNode) -> None:
    """GIVEN another model or other figures THEN `make notebook` has to follow."""
    again = executed(NOTEBOOK)

    assert told(again) == told(kept)
    assert not any("Traceback" in text for text in told(again))


def test_it_walks_from_an_image_to_a_map_to_the_figures(kept: nbformat.NotebookNode) -> None:
    headings = [cell.source.splitlines()[0] for cell in kept.cells if cell.source.startswith("##")]

    assert headings == [
        "## An image",
        "## What the network gets to see",
        "## The score, and what it means",
        "## The map",
        "## How far to trust it",
        "## From here",
    ]
    assert sum("image/jpeg" in text for text in told(kept)) == 6


def test_nothing_of_the_machine_is_kept_in_it(kept: nbformat.NotebookNode) -> None:
    assert set(kept.metadata) == {"kernelspec"}
    for cell in kept.cells:
        assert not cell.metadata
        assert all(output.get("name") != "stderr" for output in cell.get("outputs", []))
