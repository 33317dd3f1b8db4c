"""``python -m thyroid gradcam``: maps of images, as files."""

import argparse
from pathlib import Path

from thyroid.cli.exit import Exit
from thyroid.cli.lines import Fields, as_dict, evidence, json_line, mark
from thyroid.cli.options import (
    add_command,
    add_files,
    add_json,
    add_maps,
    add_model,
    add_overwrite,
    chosen_settings,
    explain_options,
)
from thyroid.cli.outputs import check_distinct, check_folder, check_free, stem
from thyroid.cli.process_files import open_analyzer, process_files
from thyroid.cli.text import printable
from thyroid.core.analysis import Analysis
from thyroid.files.atomic import atomic_file
from thyroid.files.lock import LOCK_FILE
from thyroid.web import responses

DEFAULT_OUT = Path("maps")

MORE = """\
For scan.jpg this writes DIR/scan.heatmap.png, the map in colours, and DIR/scan.overlay.png, the map laid over the
image; for standard input, stdin.heatmap.png and stdin.overlay.png. Existing files are kept, and the image is refused,
unless there is --overwrite. `analyze` looks for no images in a DIR that this command made.

examples:
  %(prog)s scan.jpg
  %(prog)s scans/*.png --out maps --target benign --size 512
"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of a parser."""
    parser = add_command(
        commands,
        "gradcam",
        "draw where the network looked",
        "Write maps of what in an image speaks for a class.",
        MORE,
    )
    parser.set_defaults(run=run)
    add_files(parser)
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=DEFAULT_OUT, help=f"where the maps go (default: {DEFAULT_OUT})"
    )
    add_overwrite(parser)
    add_model(parser)
    add_maps(parser)
    add_json(parser, "a line of JSON for each image: the API's response to /api/v1/gradcam, with the files in `images`")


def run(arguments: argparse.Namespace) -> Exit:
    """Write the maps of images; return the exit status."""
    check_distinct(arguments.files, stem)
    out: Path = arguments.out
    check_folder(out)
    settings, options = chosen_settings(arguments), explain_options(arguments)
    analyzer = open_analyzer(settings, options.layer_name)
    _make_folder(out)

    def draw(name: str, data: bytes) -> str:
        paths = {kind: out / f"{stem(name)}.{kind}.png" for kind in ("heatmap", "overlay")}
        check_free(paths.values(), overwrite=arguments.overwrite)
        analysis = analyzer.explain(data, options)
        _write(analysis, paths)
        images = {kind: str(path) for kind, path in paths.items()}
        result = as_dict(responses.explained(analysis)) | {"filename": name, "images": images}
        return json_line(result) if arguments.json else _line(name, result)

    return process_files(arguments.files, settings.max_upload_bytes, draw)


def _make_folder(out: Path) -> None:
    """Make a folder that is marked as one of results: its maps are never taken for images to analyse."""
    if not out.exists():
        out.mkdir(parents=True)
        (out / LOCK_FILE).touch()


def _write(analysis: Analysis, paths: dict[str, Path]) -> None:
    """Write the maps to the paths, by their names in :class:`thyroid.core.explain.Images`."""
    if analysis.explanation is not None:
        for kind, path in paths.items():
            with atomic_file(path) as file:
                file.write(getattr(analysis.explanation.images, kind))


def _line(name: str, result: Fields) -> str:
    files = " and ".join(printable(path) for path in result["images"].values())
    return f"{printable(name)}  {files}, {evidence(result)}{mark(result)}"
