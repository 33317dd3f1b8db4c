"""The documents of the repository, as blocks of code and commands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = tuple(
    path.relative_to(ROOT).as_posix()
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("client/*.md")])
)

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """What stands between two fences: where, in which language, and what."""

    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A line of a block of shell commands."""

    document: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """List the blocks of some languages, or all."""
    return [block for name in DOCUMENTS for block in _blocks(name) if not languages or block.language in languages]


def commands() -> list[Command]:
    """List the commands of all blocks for a shell, one a line."""
    return [
        Command(block.document, block.line + number, line)
        for block in blocks("bash", "sh")
        for number, line in enumerate(block.text.splitlines(), 1)
        if line.strip()
    ]


def targets() -> dict[str, str]:
    """Name all that is told to be made, by ``make`` in a block or within a text, and a document that tells it."""
    return {
        target: name
        for name in DOCUMENTS
        for target in re.findall(r"(?:`|^)make ([a-z][a-z0-9-]*)", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    }


def _blocks(name: str) -> Iterator[Block]:
    text = (ROOT / name).read_text("utf-8")
    for found in _BLOCK.finditer(text):
        yield Block(name, text[: found.start()].count("\n") + 1, found[1], found[2])
