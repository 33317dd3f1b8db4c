"""``python -m thyroid model-info``: the model in use, how good it is, and which layers it can explain."""

import argparse
import sys
from collections.abc import Iterator

from thyroid.cli.exit import Exit, say
from thyroid.cli.lines import as_dict, json_line
from thyroid.cli.options import add_command, add_json, add_model, chosen_settings
from thyroid.cli.process_files import open_analyzer
from thyroid.core.disclaimer import DISCLAIMER
from thyroid.core.manifest import Manifest
from thyroid.web import responses

MORE = """\
The model is loaded and must give its golden image its golden score, as before any image is scored.

examples:
  %(prog)s
  %(prog)s --json | jq .evaluation.auc
"""

UNKNOWN = "not measured"


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of a parser."""
    parser = add_command(commands, "model-info", "describe the model", "Describe the model in use.", MORE)
    parser.set_defaults(run=run)
    add_model(parser)
    add_json(parser, "the API's response to /api/v1/model-info, as a line of JSON")


def run(arguments: argparse.Namespace) -> Exit:
    """Describe the model; return the exit status."""
    manifest = open_analyzer(chosen_settings(arguments)).engine().manifest
    if arguments.json:
        say(json_line(as_dict(responses.model_info(manifest))), sys.stdout)
    else:
        say("\n".join(description(manifest)), sys.stdout)
    return Exit.DONE


def description(manifest: Manifest) -> Iterator[str]:
    """Yield the lines that describe a model to people."""
    preprocessing, (_, height, width, _) = manifest.preprocessing, manifest.input_shape
    part = "the field of view" if preprocessing.field_of_view else "the whole image"
    yield f"name           {manifest.name}"
    yield f"version        {manifest.version}"
    yield f"sha256         {manifest.sha256}"
    yield f"AUC            {_auc(manifest.evaluation)}"
    yield f"calibration    {_calibration(manifest.calibration)}"
    yield f"preprocessing  {part}, {height} x {width}, {preprocessing.resize}, times {preprocessing.scale:.6g}"
    yield "layers         (height x width of the map; * is the default)"
    columns = max(len(layer.name) for layer in manifest.conv_layers)
    for layer in manifest.conv_layers:
        star = "*" if layer.name == manifest.default_layer else " "
        yield f"             {star} {layer.name:<{columns}}  {layer.height} x {layer.width}"
    yield f"\n{manifest.description}"
    yield DISCLAIMER


def _auc(evaluation: dict[str, object]) -> str:
    """Return the measured AUC with its interval and data, where known; the evaluation has no fixed form."""
    if not isinstance(auc := evaluation.get("auc"), float):
        return UNKNOWN
    match evaluation.get("auc_95_interval"):
        case [float() as low, float() as high]:
            interval = f" (95 % interval {low:.3f} to {high:.3f})"
        case _:
            interval = ""
    data = evaluation.get("data")
    return f"{auc:.3f}{interval}{f', on {data}' if isinstance(data, str) else ''}"


def _calibration(calibration: dict[str, object]) -> str:
    """Return the prevalence that the scores are calibrated for."""
    prevalence = calibration.get("prevalence")
    if not isinstance(prevalence, float):
        return "none: the scores are no probabilities"
    return f"for a prevalence of {prevalence:g}; {calibration.get('method', 'method unknown')}"
