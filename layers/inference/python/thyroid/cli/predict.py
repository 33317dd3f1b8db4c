"""``python -m thyroid predict``: a line for each image, or the responses of the API."""

import argparse

from thyroid.cli.exit import Exit, say_disclaimer
from thyroid.cli.inputs import check_names
from thyroid.cli.lines import Lines, advice, as_dict, json_line
from thyroid.cli.options import add_command, add_files, add_json, add_model, chosen_settings
from thyroid.cli.process_files import open_analyzer, process_files
from thyroid.web import responses

MORE = """\
A line has file, label, probability of malignancy, risk band and, after a !, why the image does not look like what the
model was trained on; the score of such an image means nothing. For a single image the advice follows.

examples:
  %(prog)s scan.jpg
  %(prog)s --json scans/*.png | jq .prediction.confidence_score
  curl -s https://example.org/scan.png | %(prog)s -
"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of a parser."""
    parser = add_command(commands, "predict", "score images", "Score images, a line each.", MORE)
    parser.set_defaults(run=run)
    add_files(parser)
    add_model(parser)
    add_json(parser, "a line of JSON for each image: the API's response to /api/v1/predict")


def run(arguments: argparse.Namespace) -> Exit:
    """Score images; return the exit status."""
    check_names(arguments.files)
    settings = chosen_settings(arguments)
    analyzer = open_analyzer(settings)
    lines = Lines(arguments.files, analyzer.engine().manifest)

    def predict(name: str, data: bytes) -> str:
        result = as_dict(responses.prediction(analyzer.score(data))) | {"filename": name}
        if arguments.json:
            return json_line(result)
        line = lines.line(name, result)
        return f"{line}\n{advice(result)}" if len(arguments.files) == 1 else line

    status = process_files(arguments.files, settings.max_upload_bytes, predict)
    if not arguments.json:
        say_disclaimer(arguments.files, status)
    return status
