"""What newcomers are told, and what their tools are told, is true of this repository."""

import configparser
import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PLACES = PAGE.partition("## Where a change goes\n")[2].partition("\n## ")[0]
PRECOMMIT: dict[str, Any] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
HOOKS: dict[str, dict[str, Any]] = {hook["id"]: hook for repo in PRECOMMIT["repos"] for hook in repo["hooks"]}
FORMS = sorted(path.name for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
NOTHING_OF_A_PATIENT = "Never attach an image of a patient"


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def tracked() -> list[str]:
    """List the repository's files."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no checkout of git, which knows what belongs to the repository")
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


# --- CONTRIBUTING.md --------------------------------------------------------------------------------------------------


def test_every_command_of_the_makefile_is_told_once_and_no_other() -> None:
    documented = re.findall(r"^([a-z0-9-]+):.*## ", read("Makefile"), re.MULTILINE)
    told = re.findall(r"^\| `make ([a-z0-9-]+)` \|", PAGE, re.MULTILINE)
    assert sorted(told) == sorted(documented)


def test_every_command_has_its_time() -> None:
    times = re.findall(r"^\| `make [a-z0-9-]+` \| .+ \| (.*) \|$", PAGE, re.MULTILINE)
    assert len(times) == len(re.findall(r"^\| `make ", PAGE, re.MULTILINE))
    assert all(times)
    assert "TBD" not in PAGE


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w.-]+/[\w./-]*)`", PAGE))))
def test_a_path_that_is_told_is_there(path: str) -> None:
    made = path.startswith((".venv/", "build/"))  # by make; a new checkout has none of it
    assert made or (ROOT / path).exists()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w-]+\.(?:py|html|md|yaml|txt|toml))`", PAGE))))
def test_a_file_that_is_told_by_its_name_alone_is_at_the_root_or_beside_one_that_is_told(name: str) -> None:
    beside = {(ROOT / path).parent for path in re.findall(r"`([\w.-]+/[\w./-]*)`", PAGE)}
    assert any((folder / name).is_file() for folder in {ROOT, *beside})


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (path, name)
        for path, names in re.findall(r"`([\w./-]+)`: ((?:`\w+`(?: and )?)+)", PLACES)
        for name in re.findall(r"`(\w+)`", names)
    ],
)
def test_a_name_that_is_to_be_changed_is_in_its_file(path: str, name: str) -> None:
    assert re.search(rf"\b{name}\b", read(path))


def test_a_rule_of_ruff_is_suspended_by_its_name_and_with_a_reason() -> None:
    suspended = re.compile(r"# noqa(?!: [A-Z]+\d+(?:, [A-Z]+\d+)* - \S|: T201$)", re.MULTILINE)
    files = [name for name in tracked() if name.endswith(".py") and name != "tests/unit/tools/test_contributing.py"]
    assert [name for name in files if suspended.search(read(name))] == []


# --- editors and hooks ------------------------------------------------------------------------------------------------


def test_editors_break_lines_where_ruff_does() -> None:
    rules = configparser.ConfigParser()
    rules.read_string("[top]\n" + read(".editorconfig"))
    ruff = tomllib.loads(read("pyproject.toml"))["tool"]["ruff"]
    assert rules.getint("*.py", "max_line_length") == ruff["line-length"]
    assert rules.get("{Makefile,*.mk}", "indent_style") == "tab"


def test_hooks_need_no_network() -> None:
    assert {repo["repo"] for repo in PRECOMMIT["repos"]} == {"local"}
    assert {hook["language"] for hook in HOOKS.values()} == {"system", "pygrep"}


def test_hooks_run_the_ruff_that_is_pinned() -> None:
    run = [hook["entry"].split()[:2] for hook in HOOKS.values() if hook["language"] == "system"]
    assert run == [[".venv/bin/ruff", "check"], [".venv/bin/ruff", "format"]]
    (pinned,) = re.findall(r"^ruff==(\S+)", read("requirements.txt"), re.MULTILINE)
    assert version("ruff") == pinned


@pytest.mark.parametrize("hook", ["trailing-whitespace", "end-of-file"])
def test_every_file_passes_the_hooks_about_its_text(hook: str) -> None:
    refused = [
        name
        for name in tracked()
        if not re.search(HOOKS[hook].get("exclude", "^$"), name)
        and b"\0" not in (content := (ROOT / name).read_bytes())
        and finds(hook, content)
    ]
    assert refused == []


@pytest.mark.parametrize(
    ("hook", "text", "found"),
    [
        ("trailing-whitespace", b"a\nb\n", False),
        ("trailing-whitespace", b"a \nb\n", True),
        ("trailing-whitespace", b"a\r\nb\r\n", True),
        ("end-of-file", b"a\n", False),
        ("end-of-file", b"", False),
        ("end-of-file", b"a", True),
        ("end-of-file", b"a\n\n", True),
        ("subject-length", b"x" * 72 + b"\n\n" + b"x" * 100, False),
        ("subject-length", b"x" * 73 + b"\n", True),
    ],
)
def test_a_hook_finds_what_it_is_for(hook: str, text: bytes, found: bool) -> None:
    assert finds(hook, text) is found


def finds(hook: str, content: bytes) -> bool:
    """Look for a hook's pattern as pre-commit's `pygrep` does: line by line, or in the whole file."""
    pattern = HOOKS[hook]["entry"].encode()
    if "--multiline" in HOOKS[hook].get("args", []):
        return re.search(pattern, content, re.MULTILINE | re.DOTALL) is not None
    return any(re.search(pattern, line) for line in content.splitlines(keepends=True))


# --- issues and pull requests -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMS)
def test_a_form_for_issues_asks_for_nothing_of_a_patient(name: str) -> None:
    form = yaml.safe_load(read(f".github/ISSUE_TEMPLATE/{name}"))
    assert {"name", "description", "body"} <= form.keys()
    first, *_, last = form["body"]
    assert NOTHING_OF_A_PATIENT in first["attributes"]["value"]
    (confirmed,) = last["attributes"]["options"]
    assert "of a patient" in confirmed["label"]
    assert confirmed["required"] is True


@pytest.mark.parametrize("name", FORMS)
def test_each_question_of_a_form_is_one(name: str) -> None:
    asked = [
        part for part in yaml.safe_load(read(f".github/ISSUE_TEMPLATE/{name}"))["body"] if part["type"] != "markdown"
    ]
    assert len({part["id"] for part in asked}) == len(asked)
    assert all(part["attributes"]["label"] for part in asked)


def test_security_holes_are_led_away_from_issues() -> None:
    config = yaml.safe_load(read(".github/ISSUE_TEMPLATE/config.yml"))
    assert config["blank_issues_enabled"] is False
    (link,) = config["contact_links"]
    assert link["url"].startswith("https://")
    assert "privately" in link["about"]


def test_a_pull_request_is_asked_for_nothing_of_a_patient() -> None:
    assert "of a patient" in read(".github/PULL_REQUEST_TEMPLATE.md")
