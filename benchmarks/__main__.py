"""Measures the service beside the alternatives: ``python -m benchmarks`` (`make bench`)."""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import cold, plot, processor, served, size, tables, warm
from benchmarks.contenders import ENVIRONMENT, REFERENCE, SERVICE
from benchmarks.function import ROOT

FOLDER = ROOT / "build" / "bench"
DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Effort:
    """How often things are measured."""

    starts: int
    calls: int
    seconds: float


WHOLE, QUICK = Effort(3, 40, 4.0), Effort(2, 5, 0.5)


def measure(effort: Effort) -> dict[str, Any]:
    """Measure everything that can be measured on this machine."""
    left_out: list[str] = []
    figures: dict[str, Any] = {"machine": _machine(), "effort": asdict(effort), "left_out": left_out}
    figures["cold"] = cold.cold(effort.starts, left_out)
    figures["warm"], figures["memory"] = warm.warm(effort.calls, None)
    try:
        figures["warm_one_processor"], _ = warm.warm(effort.calls, 1.0)
    except processor.NotAllowedError as error:
        left_out.append(f"warm, one processor: {error}")
    figures["served"] = served.served(effort.calls, effort.seconds, served.CLIENTS, left_out)
    figures["installed"] = {
        SERVICE: size.installed_megabytes(size.our_packages()),
        REFERENCE: size.installed_megabytes(size.REFERENCE_PACKAGES),
    }
    try:
        images = {SERVICE: size.OUR_IMAGE, REFERENCE: size.REFERENCE_IMAGE}
        figures["image"] = {name: size.image_megabytes(image) for name, image in images.items()}
    except size.NoImageError as error:
        left_out.append(f"image: {error}")
    figures["multiply_adds"] = float(_printed_by_floor("count"))
    figures["multiply_adds_per_second"] = float(_printed_by_floor("multiply"))
    # As JSON returns them, so that the page is the same from the measurement and from the file.
    plain: dict[str, Any] = json.loads(json.dumps(figures, default=asdict))
    return plain


def _printed_by_floor(command_name: str) -> str:
    command = [sys.executable, "-m", "benchmarks.floor", command_name]
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.split()[-1]


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return f"{len(os.sched_getaffinity(0))} cores of {model}, Python {platform.python_version()}"


def write(folder: Path, figures: dict[str, Any]) -> None:
    """Write the figures, the page about them and its plot into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "speed.json").write_text(json.dumps(figures, indent=2) + "\n")
    (folder / "speed.md").write_text(tables.document(figures))
    plot.draw(folder / "speed.svg", tables.goals(figures))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the service beside others.")
    parser.add_argument("--quick", action="store_true", help="a few calls of each: to see that it works, not to quote")
    parser.add_argument("--keep", action="store_true", help="write the page into docs/, which the README points to")
    options = parser.parse_args(arguments)
    if options.quick and options.keep:
        parser.error("the figures of a quick run are not to be quoted; leave out --quick or --keep")
    figures = measure(QUICK if options.quick else WHOLE)
    write(DOCS if options.keep else FOLDER, figures)
    print(tables.markdown(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
