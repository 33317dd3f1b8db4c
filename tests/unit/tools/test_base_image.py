"""The base image is pinned by its digest, the same everywhere, and the pin can be renewed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.sbom import default_base

ROOT = Path(__file__).parents[3]
PIN = re.compile(r"public\.ecr\.aws/lambda/python:3\.13@sha256:[0-9a-f]{64}")
NEW = "sha256:" + "ab" * 32
FILES = ("template.yaml", "functions/Dockerfile")


def pins(file: Path) -> list[str]:
    return PIN.findall(file.read_text("utf-8"))


def test_it_is_pinned_by_digest_the_same_in_the_template_and_the_dockerfile() -> None:
    assert {pin for file in FILES for pin in pins(ROOT / file)} == {default_base()}
    assert PIN.fullmatch(default_base())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the files that hold the pin, and of the script that renews it."""
    for name in (*FILES, "deploy/pin-base-image"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def renew(checkout: Path, docker: str) -> subprocess.CompletedProcess[str]:
    """Run the script with a docker command that does this."""
    tools = checkout / "tools"
    tools.mkdir()
    (tools / "docker").write_text(f"#!/bin/sh\n{docker}\n", "utf-8")
    (tools / "docker").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    command = [checkout / "deploy" / "pin-base-image"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_pin_is_renewed_in_both_to_what_the_registry_says(checkout: Path) -> None:
    known = f"example.org/other@sha256:{'cd' * 32}\\npublic.ecr.aws/lambda/python@{NEW}"
    done = renew(checkout, f"[ $1 = pull ] || printf '{known}\\n'")
    assert done.returncode == 0, done.stderr
    for file in FILES:
        assert pins(checkout / file) == [f"public.ecr.aws/lambda/python:3.13@{NEW}"]


@pytest.mark.parametrize("docker", ["exit 1", "exit 0"], ids=["unreachable", "no digest"])
def test_where_the_registry_says_nothing_the_pin_stays(checkout: Path, docker: str) -> None:
    before = [(checkout / file).read_bytes() for file in FILES]
    done = renew(checkout, docker)
    assert done.returncode != 0
    assert done.stderr.startswith("error: ")
    assert [(checkout / file).read_bytes() for file in FILES] == before
