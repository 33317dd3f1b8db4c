"""``python -m thyroid analyze FILE``: images named one by one, with the same result files as those of a folder."""

import argparse
import json
from pathlib import Path

from thyroid.batch.run import AUDIT, RESULTS
from thyroid.cli.exit import Exit, UsageError, say_disclaimer
from thyroid.cli.inputs import FileRefusedError
from thyroid.cli.lines import Fields, Lines, advice, evidence, json_line
from thyroid.cli.options import STANDARD_INPUT, chosen_settings, explain_options
from thyroid.cli.outputs import base, check_distinct, check_folder, check_free
from thyroid.cli.process_files import open_analyzer, process_files
from thyroid.cli.text import printable
from thyroid.files.atomic import write_result_files
from thyroid.files.json_lines import JsonLines
from thyroid.files.lock import lock_folder
from thyroid.files.names import readable
from thyroid.files.process_image import process_image
from thyroid.files.result_files import ERROR, RESULT, Source


def run(arguments: argparse.Namespace) -> Exit:
    """Analyse the named images, in this process; return the exit status.

    Raises
    ------
    UsageError
        If an option is for folders alone, two images would have the same folder of results, or OUT is no folder or one
        of images.
    InUseError
        If another run is writing into OUT.
    UnknownLayerError, ModelUnavailableError, OSError
        As :func:`thyroid.cli.process_files.open_analyzer` and :func:`thyroid.cli.process_files.process_files` say.
    """
    files: list[str] = arguments.paths
    _check(arguments, files)
    settings, options = chosen_settings(arguments), explain_options(arguments)
    analyzer = open_analyzer(settings, options.layer_name)
    lines = Lines(files, analyzer.engine().manifest)
    arguments.out.mkdir(parents=True, exist_ok=True)

    def analyze(name: str, data: bytes) -> str | None:
        folder = arguments.out / RESULTS / base(name)
        check_free([folder / RESULT], overwrite=arguments.overwrite)
        processed = process_image(analyzer, data, Source(key=readable(base(name))), options)
        if processed.record is not None:  # before the result: the reverse could leave a result without its record
            audit.append(processed.record.model_dump_json())
        write_result_files(folder, processed.files)
        if ERROR in processed.files:
            raise FileRefusedError(json.loads(processed.files[ERROR])["detail"])
        result = json.loads(processed.files[RESULT]) | {"filename": name}
        return None if arguments.quiet else _text(arguments, lines, name, result, folder)

    with lock_folder(arguments.out), JsonLines(arguments.out / AUDIT) as audit:
        status = process_files(files, settings.max_upload_bytes, analyze, bar=not arguments.quiet)
    if not arguments.json and not arguments.quiet:
        say_disclaimer(files, status)
    return status


def _check(arguments: argparse.Namespace, files: list[str]) -> None:
    if arguments.jobs or arguments.pattern or arguments.progress:
        raise UsageError("--jobs, --pattern and --progress are for a DIR; these are FILEs.")
    check_distinct(files, base)
    out: Path = arguments.out
    check_folder(out, "OUT")
    # No image is looked for in a folder of results.
    if any(Path(name).parent.resolve() == out.resolve() for name in files if name != STANDARD_INPUT):
        raise UsageError("OUT must be another folder than that of the images.")


def _text(arguments: argparse.Namespace, lines: Lines, name: str, result: Fields, folder: Path) -> str:
    explanation = result["gradcam"]
    if arguments.json:
        images = {kind: str(folder / file) for kind, file in explanation["images"].items()}
        return json_line(result | {"gradcam": explanation | {"images": images}})
    line = lines.line(name, result)
    if len(arguments.paths) > 1:
        return line if explanation["has_evidence"] else f"{line}  ({evidence(explanation)})"
    return f"{line}\n{advice(result)}\n{printable(str(folder))}: {evidence(explanation)}"
