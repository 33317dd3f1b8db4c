"""``python -m thyroid model-info``: which model answers, how good it is, and which layers it can explain."""

import argparse
import sys
from collections.abc import Iterator

from thyroid.cli.exit import Exit, say
from thyroid.cli.lines import in_json, told
from thyroid.cli.options import add_command, add_json, add_model, chosen_settings
from thyroid.cli.process_files import guarded, opened
from thyroid.core.manifest import Manifest
from thyroid.settings import get_settings
from thyroid.web.schemas import DISCLAIMER

MORE = """\
The model is opened and has to give its golden picture its golden score, as before any picture is scored.

examples:
  %(prog)s
  %(prog)s --json | jq .evaluation.auc
"""

UNKNOWN = "not measured"


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of a parser."""
    parser = add_command(
        commands, "model-info", "describe the model", "Tell which model answers, and what is known of it.", MORE
    )
    parser.set_defaults(run=run)
    add_model(parser)
    add_json(parser, "the API's answer to /api/v1/model-info, as a line of JSON")


def run(options: argparse.Namespace) -> int:
    """Describe the model; return the exit status."""
    return guarded(lambda: _run(options))


def _run(options: argparse.Namespace) -> Exit:
    service = opened(chosen_settings(get_settings, options.model))
    if options.json:
        say(in_json(told(service.model_info())), sys.stdout)
    else:
        say("\n".join(description(service.engine().manifest)), sys.stdout)
    return Exit.ANSWERED


def description(manifest: Manifest) -> Iterator[str]:
    """Describe a model to people, line by line."""
    preprocessing, (_, height, width, _) = manifest.preprocessing, manifest.input_shape
    part = "the field of view" if preprocessing.field_of_view else "the whole picture"
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
    """Name the measured AUC with what is known beside it; the figures are free in form."""
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
    """Say how often suspicious pictures are where the scores are right."""
    prevalence = calibration.get("prevalence")
    if not isinstance(prevalence, float):
        return "none: the scores are no probabilities"
    return f"for a prevalence of {prevalence:g}; {calibration.get('method', 'method unknown')}"
