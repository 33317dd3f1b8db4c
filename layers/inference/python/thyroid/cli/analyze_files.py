"""``python -m thyroid analyze FILE``: what predict and gradcam do, with results laid out as those of a folder."""

import argparse
import json
from pathlib import Path

from thyroid.batch.run import AUDIT, RESULTS
from thyroid.cli.exit import Exit, UsageError, say_disclaimer
from thyroid.cli.inputs import NotDoneError
from thyroid.cli.lines import Lines, Told, advice, evidence, in_json
from thyroid.cli.options import STANDARD_INPUT
from thyroid.cli.outputs import all_different, base, check_free
from thyroid.cli.process_files import each, opened
from thyroid.cli.text import shown
from thyroid.files.atomic import place
from thyroid.files.json_lines import JsonLines
from thyroid.files.lock import held
from thyroid.files.names import readable
from thyroid.files.process_image import judge
from thyroid.files.result_files import ERROR, RESULT, Source
from thyroid.settings import Settings


def run(options: argparse.Namespace, settings: Settings) -> Exit:
    """Analyse the pictures that were named, in this process.

    Parameters
    ----------
    options : argparse.Namespace
        ``paths``, ``out``, ``layer``, ``target``, ``size``, ``overwrite``, ``json`` and ``quiet``.
    settings : Settings
        With the model that was chosen.

    Raises
    ------
    UsageError
        If two would have the same results' folder, or OUT is no folder or one of pictures.
    InUseError
        If another run is writing into OUT.
    UnknownLayerError, ModelUnavailableError, OSError
        As :func:`thyroid.cli.process_files.opened` and :func:`thyroid.cli.process_files.each` say.
    """
    files: list[str] = options.paths
    all_different(files, base)
    _check_out(options.out, files)
    records: list[str] = []
    service = opened(settings, options.layer, audit=lambda record: records.append(record.model_dump_json()))
    lines = Lines(files, service.engine().manifest)
    options.out.mkdir(parents=True, exist_ok=True)

    def analysed(name: str, data: bytes) -> str | None:
        folder = options.out / RESULTS / base(name)
        check_free([folder / RESULT], overwrite=options.overwrite)
        source = Source(key=readable(base(name)))
        judgement = judge(service, data, source, layer_name=options.layer, target=options.target, size=options.size)
        while records:  # first of all: what is audited and not there is better than the other way round
            audit.append(records.pop())
        place(folder, judgement.files)
        if ERROR in judgement.files:
            raise NotDoneError(json.loads(judgement.files[ERROR])["detail"])
        result = json.loads(judgement.files[RESULT]) | {"filename": name}
        return None if options.quiet else _told(lines, name, result, folder, options)

    with held(options.out), JsonLines(options.out / AUDIT) as audit:
        status = each(files, settings.max_upload_bytes, analysed, bar=not options.quiet)
    if not options.json and not options.quiet:
        say_disclaimer(files, status)
    return status


def _check_out(out: Path, files: list[str]) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError("OUT is no folder.")
    # A folder of results is passed over when pictures are looked for.
    if any(Path(name).parent.resolve() == out.resolve() for name in files if name != STANDARD_INPUT):
        raise UsageError("OUT must be another folder than that of the pictures.")


def _told(lines: Lines, name: str, result: Told, folder: Path, options: argparse.Namespace) -> str:
    explanation = result["gradcam"]
    if options.json:
        images = {kind: str(folder / file) for kind, file in explanation["images"].items()}
        return in_json(result | {"gradcam": explanation | {"images": images}})
    line = lines.line(name, result)
    if len(options.paths) > 1:
        return line if explanation["has_evidence"] else f"{line}  ({evidence(explanation)})"
    return f"{line}\n{advice(result)}\n{shown(str(folder))}: {evidence(explanation)}"
