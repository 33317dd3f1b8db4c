"""A worker as Lambda keeps it: one process that answers file after file, and tells what each one took.

Run as ``python -m tests.hostile.worker FD``, it reads files from standard input, each behind its length in a line, and
writes a line of JSON for each to the descriptor FD. What the service itself prints goes where it always does.
"""

import contextlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from tests.events import CONTEXT, rest_event
from tests.hostile.canary import CANARY

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")
RESET_PEAK = "5"  # Linux, proc(5): sets the peak of the resident memory to what it is now
KIBIBYTE = 1024


def main() -> None:
    """Answer until there are no more files."""
    from functions import predict  # opens the model where the settings say so

    with os.fdopen(int(sys.argv[1]), "w") as replies:
        while line := sys.stdin.buffer.readline():
            data = sys.stdin.buffer.read(int(line))
            print(json.dumps(told(predict.handler, data)), file=replies, flush=True)


def told(handler: Any, data: bytes) -> dict[str, Any]:
    """Answer one file, and tell status, code, seconds and the peak of the memory in bytes."""
    event = rest_event(
        "POST",
        "/api/v1/predict",
        body=data,
        headers={"Content-Type": "image/png"},  # whatever it is: the bytes tell
        query={"filename": CANARY},
    )
    with contextlib.suppress(OSError):  # not reset, the peak is that of all files so far, and bounds each all the same
        CLEAR_REFS.write_text(RESET_PEAK)
    before = peak()
    started = time.perf_counter()
    answer = handler(event, CONTEXT)
    seconds = time.perf_counter() - started
    most = peak()
    body = json.loads(answer["body"])
    return {
        "status": answer["statusCode"],
        "content_type": answer["headers"]["content-type"],
        "code": body.get("code"),
        "score": body["prediction"]["confidence_score"] if "prediction" in body else None,
        "tells": CANARY in answer["body"].replace(f'"filename":"{CANARY}"', ""),
        "seconds": seconds,
        "peak": most,
        "growth": most - before,
        "pid": os.getpid(),
    }


def peak() -> int:
    """Return the most resident memory since it was last reset, in bytes."""
    if not STATUS.exists():  # macOS, which tells bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * KIBIBYTE


if __name__ == "__main__":
    main()
