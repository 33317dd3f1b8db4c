"""Runs the notebook from top to bottom and keeps what its cells say: ``python -m docs.make_notebook``.

With a compiled model in place (``make model``).
"""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).with_name("walkthrough.ipynb")
_KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def executed(path: Path) -> nbformat.NotebookNode:
    """Return the notebook at `path` with what its cells say now.

    Nothing is kept that tells machines apart: times, versions, and what libraries write to the standard error.

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
                if "image/jpeg" in output.get("data", {}):  # Pillow gives a picture as PNG, too, five times as large
                    output.data.pop("image/png", None)
    return notebook


def main() -> None:
    """Write what it says into ``docs/walkthrough.ipynb``."""
    nbformat.write(executed(NOTEBOOK), NOTEBOOK)


if __name__ == "__main__":
    main()
