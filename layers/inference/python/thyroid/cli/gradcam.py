"""``python -m thyroid gradcam``: maps of pictures as files."""

import argparse
import base64
from pathlib import Path

from thyroid.cli.exit import Exit
from thyroid.cli.lines import Told, evidence, in_json, mark, told
from thyroid.cli.options import (
    add_command,
    add_files,
    add_json,
    add_maps,
    add_model,
    add_overwrite,
    chosen_settings,
)
from thyroid.cli.outputs import all_different, check_folder, check_free, stem
from thyroid.cli.process_files import each, guarded, opened
from thyroid.cli.text import shown
from thyroid.files.atomic import placed
from thyroid.files.lock import LOCK_FILE
from thyroid.settings import get_settings

DEFAULT_OUT = Path("maps")

MORE = """\
Of scan.jpg come DIR/scan.heatmap.png, the map in colours, and DIR/scan.overlay.png, the map laid over the picture; of
standard input, stdin.heatmap.png and stdin.overlay.png. What lies there already stays, and the picture is refused,
unless there is --overwrite. A DIR that this command makes is passed over when `analyze` looks for pictures.

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
        "Write maps of what in a picture speaks for a class.",
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
    add_json(parser, "a line of JSON a picture: the API's answer to /api/v1/gradcam, with the files in `images`")


def run(options: argparse.Namespace) -> int:
    """Write the maps of pictures; return the exit status."""
    return guarded(lambda: _run(options))


def _run(options: argparse.Namespace) -> Exit:
    all_different(options.files, stem)
    out: Path = options.out
    check_folder(out)
    settings = chosen_settings(get_settings, options.model)
    service = opened(settings, options.layer)
    _make(out)

    def drawn(name: str, data: bytes) -> str:
        paths = {kind: out / f"{stem(name)}.{kind}.png" for kind in ("heatmap", "overlay")}
        check_free(paths.values(), overwrite=options.overwrite)
        answer = service.gradcam(data, layer_name=options.layer, target=options.target, size=options.size)
        for kind, path in paths.items():
            with placed(path) as file:
                file.write(base64.b64decode(getattr(answer.images, kind)))
        written = told(answer) | {"filename": name, "images": {kind: str(path) for kind, path in paths.items()}}
        return in_json(written) if options.json else _line(name, written)

    return each(options.files, settings.max_upload_bytes, drawn)


def _make(out: Path) -> None:
    """Make a folder that is known for one of results: maps that lie in it are never taken for pictures."""
    if not out.exists():
        out.mkdir(parents=True)
        (out / LOCK_FILE).touch()


def _line(name: str, written: Told) -> str:
    files = " and ".join(shown(path) for path in written["images"].values())
    return f"{shown(name)}  {files}, {evidence(written)}{mark(written)}"
