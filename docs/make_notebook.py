"""Runs the notebook from top to bottom and saves the outputs of its cells: ``python -m docs.make_notebook``.

It needs a compiled model (``make model``).
"""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).with_name("walkthrough.ipynb")
_KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def executed(path: Path) -> nbformat.NotebookNode:
    """Return the notebook at `path` with new outputs of its cells.

    What differs between machines is removed: times, versions, and what libraries write to the standard error.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": path.parent}}, record_timing=False).execute()
    notebook.metadata = nbformat.from_dict(_KERNEL)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            for output in cell.outputs:
                if "image/jpeg" in output.get("data", {}):  # Pillow also returns the image as PNG, five times as large
                    output.data.pop("image/png", None)
    return notebook


def main() -> None:
    """Run ``docs/walkthrough.ipynb`` and save it with its outputs."""
    nbformat.write(executed(NOTEBOOK), NOTEBOOK)


if __name__ == "__main__":
    main()
