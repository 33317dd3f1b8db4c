"""The security linter finds in the stack what was justified in the template, and nothing else."""

import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.stack.conftest import ROOT, stack

SKIPPED = re.compile(r"# checkov:skip=(CKV\w+):(.+)")


def test_every_skip_has_its_reason_beside_it() -> None:
    reasons = [match[2] for match in SKIPPED.finditer((ROOT / "template.yaml").read_text("utf-8"))]
    assert reasons
    assert all(len(reason.split()) >= 5 for reason in reasons)


@pytest.mark.timeout(120)
def test_after_the_transform_it_finds_no_more_than_what_is_skipped_before(tmp_path: Path) -> None:
    # GIVEN the stack as CloudFormation gets it, in which SAM has added what the template does not say
    (tmp_path / "stack.json").write_text(json.dumps(stack()), "utf-8")
    checkov = [str(ROOT / ".venv-lint" / "bin" / "checkov"), "--framework", "cloudformation", "--output", "json"]
    # WHEN it is checked
    done = subprocess.run(
        [*checkov, "--quiet", "--skip-download", "--file", "stack.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    checked = json.loads(done.stdout)
    assert checked["summary"]["passed"] > 100
    # THEN
    found = Counter(failed["check_id"] for failed in checked["results"]["failed_checks"])
    assert found == Counter(match[1] for match in SKIPPED.finditer((ROOT / "template.yaml").read_text("utf-8")))
