"""``python -m thyroid report``: a page about each image, as PDF."""

import argparse
from pathlib import Path

from thyroid.cli.exit import Exit
from thyroid.cli.lines import Fields, as_dict, json_line, mark
from thyroid.cli.options import (
    STANDARD_INPUT,
    add_command,
    add_files,
    add_json,
    add_maps,
    add_model,
    add_overwrite,
    chosen_settings,
    explain_options,
)
from thyroid.cli.outputs import base, check_distinct, check_folder, check_free, stem
from thyroid.cli.process_files import open_analyzer, process_files
from thyroid.cli.text import printable
from thyroid.files.atomic import atomic_file
from thyroid.files.names import readable
from thyroid.web import responses
from thyroid.web.schemas import MAX_REPORT_SIZE, REPORT_SIZE

DEFAULT_OUT = Path("reports")

MORE = """\
For scan.jpg this writes DIR/scan.report.pdf, one page with the image, the map laid over it, the score and what it
means, the input check, and which model gave the score. The page names the file, without its folders. An existing file
is kept, and the image is refused, unless there is --overwrite.

examples:
  %(prog)s scan.jpg
  %(prog)s scans/*.png --output reports
  %(prog)s --json scans/*.png | jq .prediction.confidence_score
"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of a parser."""
    parser = add_command(commands, "report", "write a page about each image", "Write reports as PDF.", MORE)
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
    add_maps(parser, MAX_REPORT_SIZE, REPORT_SIZE, str(REPORT_SIZE))
    add_json(parser, "a line of JSON for each image: the API's response to /api/v1/report/json, with the file in `pdf`")


def run(arguments: argparse.Namespace) -> Exit:
    """Write reports; return the exit status."""
    check_distinct(arguments.files, stem)
    out: Path = arguments.out
    check_folder(out)
    settings, options = chosen_settings(arguments), explain_options(arguments)
    analyzer = open_analyzer(settings, options.layer_name)
    out.mkdir(parents=True, exist_ok=True)

    def report(name: str, data: bytes) -> str:
        path = out / f"{stem(name)}.report.pdf"
        check_free([path], overwrite=arguments.overwrite)
        analysis = analyzer.explain(data, options)
        from thyroid.report import pdf  # with the PDF library, after the model and not before

        page = pdf.make(analysis, None if name == STANDARD_INPUT else readable(base(name)))
        with atomic_file(path) as file:
            file.write(page)
        result = as_dict(responses.report(analysis, include_images=False)) | {"filename": name, "pdf": str(path)}
        return json_line(result) if arguments.json else _line(name, result)

    return process_files(arguments.files, settings.max_upload_bytes, report)


def _line(name: str, result: Fields) -> str:
    return f"{printable(name)}  {printable(result['pdf'])}{mark(result)}"
