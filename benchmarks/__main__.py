"""Measures the service beside what people would use instead: ``python -m benchmarks`` (`make bench`)."""

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
KEPT = ROOT / "docs"


@dataclass(frozen=True)
class Effort:
    """How often is measured."""

    starts: int
    calls: int
    seconds: float


WHOLE, QUICK = Effort(3, 40, 4.0), Effort(2, 5, 0.5)


def measure(effort: Effort) -> dict[str, Any]:
    """Measure everything that this machine lets be measured."""
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
    figures["multiply_adds"] = float(_asked("count"))
    figures["multiply_adds_a_second"] = float(_asked("multiply"))
    # As they are read back: one page, whether it is made from the measurement or from what was written of it.
    plain: dict[str, Any] = json.loads(json.dumps(figures, default=asdict))
    return plain


def _asked(what: str) -> str:
    command = [sys.executable, "-m", "benchmarks.floor", what]
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.split()[-1]


def _machine() -> str:
    told = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in told if line.startswith("model name")), platform.machine())
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
        parser.error("a quick run is not to be quoted; leave out --quick or --keep")
    figures = measure(QUICK if options.quick else WHOLE)
    write(KEPT if options.keep else FOLDER, figures)
    print(tables.markdown(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
