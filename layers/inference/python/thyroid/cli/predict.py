"""``python -m thyroid predict``: a line a picture, or the API's answers."""

import argparse

from thyroid.cli.exit import Exit, say_disclaimer
from thyroid.cli.inputs import check_names
from thyroid.cli.lines import Lines, advice, in_json, told
from thyroid.cli.options import add_command, add_files, add_json, add_model, chosen_settings
from thyroid.cli.process_files import each, guarded, opened
from thyroid.settings import get_settings

MORE = """\
A line tells file, label, probability of malignancy, risk band and, behind a !, why the picture does not look like what
the model was trained on; the score of such a picture means nothing. Of a single picture, what is advised comes below.

examples:
  %(prog)s scan.jpg
  %(prog)s --json scans/*.png | jq .prediction.confidence_score
  curl -s https://example.org/scan.png | %(prog)s -
"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of a parser."""
    parser = add_command(commands, "predict", "score pictures", "Score pictures, a line each.", MORE)
    parser.set_defaults(run=run)
    add_files(parser)
    add_model(parser)
    add_json(parser, "a line of JSON a picture: the API's answer to /api/v1/predict")


def run(options: argparse.Namespace) -> int:
    """Score pictures; return the exit status."""
    return guarded(lambda: _run(options))


def _run(options: argparse.Namespace) -> Exit:
    check_names(options.files)
    settings = chosen_settings(get_settings, options.model)
    service = opened(settings)
    lines = Lines(options.files, service.engine().manifest)

    def scored(name: str, data: bytes) -> str:
        answer = told(service.predict(data)) | {"filename": name}
        if options.json:
            return in_json(answer)
        line = lines.line(name, answer)
        return f"{line}\n{advice(answer)}" if len(options.files) == 1 else line

    status = each(options.files, settings.max_upload_bytes, scored)
    if not options.json:
        say_disclaimer(options.files, status)
    return status
