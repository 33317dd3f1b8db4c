"""``python -m thyroid report``: a page about each picture, as PDF."""

import argparse
from pathlib import Path

from thyroid.cli.exit import Exit
from thyroid.cli.lines import Told, in_json, mark, told
from thyroid.cli.options import (
    STANDARD_INPUT,
    add_command,
    add_files,
    add_json,
    add_maps,
    add_model,
    add_overwrite,
    chosen_settings,
)
from thyroid.cli.outputs import all_different, base, check_folder, check_free, stem
from thyroid.cli.process_files import each, guarded, opened
from thyroid.cli.text import shown
from thyroid.files.atomic import placed
from thyroid.files.names import readable
from thyroid.settings import get_settings
from thyroid.web.schemas import LARGEST_REPORT_SIZE, REPORT_SIZE

DEFAULT_OUT = Path("reports")

MORE = """\
Of scan.jpg comes DIR/scan.report.pdf, one page with the picture, the map laid over it, the score and what it means,
the input check, and which model gave it. The page names the file, without its folders. What lies there already stays,
and the picture is refused, unless there is --overwrite.

examples:
  %(prog)s scan.jpg
  %(prog)s scans/*.png --output reports
  %(prog)s --json scans/*.png | jq .prediction.confidence_score
"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of a parser."""
    parser = add_command(commands, "report", "write a page about each picture", "Write reports as PDF.", MORE)
    parser.set_defaults(run=run)
    add_files(parser)
    parser.add_argument(
        "--out",
        "--output",
        metavar="DIR",
        type=Path,
        default=DEFAULT_OUT,
        help=f"where the reports go (default: {DEFAULT_OUT})",
    )
    add_overwrite(parser)
    add_model(parser)
    add_maps(parser, LARGEST_REPORT_SIZE, REPORT_SIZE, str(REPORT_SIZE))
    add_json(parser, "a line of JSON a picture: the API's answer to /api/v1/report/json, with the file in `pdf`")


def run(options: argparse.Namespace) -> int:
    """Write reports; return the exit status."""
    return guarded(lambda: _run(options))


def _run(options: argparse.Namespace) -> Exit:
    all_different(options.files, stem)
    out: Path = options.out
    check_folder(out)
    settings = chosen_settings(get_settings, options.model)
    service = opened(settings, options.layer)
    out.mkdir(parents=True, exist_ok=True)

    def reported(name: str, data: bytes) -> str:
        path = out / f"{stem(name)}.report.pdf"
        check_free([path], overwrite=options.overwrite)
        report = service.report(
            data,
            filename=None if name == STANDARD_INPUT else readable(base(name)),
            layer_name=options.layer,
            target=options.target,
            size=options.size,
        )
        from thyroid.report import pdf  # with the PDF library, after the model and not before

        page = pdf.make(report)
        with placed(path) as file:
            file.write(page)
        without_pictures = report.model_copy(update={"gradcam": report.gradcam.model_copy(update={"images": None})})
        written = told(without_pictures) | {"filename": name, "pdf": str(path)}
        return in_json(written) if options.json else _line(name, written)

    return each(options.files, settings.max_upload_bytes, reported)


def _line(name: str, written: Told) -> str:
    return f"{shown(name)}  {shown(written['pdf'])}{mark(written)}"
