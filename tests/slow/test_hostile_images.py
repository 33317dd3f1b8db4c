"""Sends thousands of hostile files to one worker: each is scored or refused within limits, and the worker survives."""

import hashlib
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from tests.hostile import odd_tiff, too_large
from tests.hostile.canary import CANARY
from tests.hostile.case import ANSWER, Case
from tests.hostile.every import all_cases
from tests.hostile.sent import ROOT, Told, worker
from tests.images import saved
from thyroid import phantom
from thyroid.web.problems import KINDS, MEDIA_TYPE

MEGABYTE = 2**20
MAX_MEMORY = 512 * MEGABYTE
MAX_GROWTH = 32 * MEGABYTE  # of what is refused by its header; one byte for each of its pixels would be 500 MB
MAX_SECONDS = 30  # ten times what the slowest took on two cores that did nothing else
REPORT = ROOT / "build/hostile.md"
STATUS = {error.code: kind.status for error, kind in KINDS.items()}


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the worker is given its pipe as a descriptor")


@dataclass(frozen=True)
class Sent:
    """A file that was sent, and what became of it."""

    case: Case
    size: int
    told: Told

    @property
    def outcome(self) -> str:
        return ANSWER if self.told.status == 200 else f"{self.told.code}"

    def __str__(self) -> str:
        what = f"{self.case.family}: {self.case.name}, {self.size} bytes"
        return f"{what}: {self.told.status} {self.outcome}, {self.told.seconds:.2f} s, {self.told.peak // MEGABYTE} MB"


@dataclass(frozen=True)
class Run:
    """All that were sent, a good image before and after them, and what the worker printed."""

    sent: list[Sent]
    before: Told
    after: Told
    printed: str


@pytest.fixture(scope="module")
def run(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    printed = tmp_path_factory.mktemp("hostile") / "printed.txt"
    good = saved(Image.fromarray(phantom.make_frame(7, suspicious=True)))
    with worker(printed) as one:
        before = one.send("a good image", good)
        sent = []
        for case in all_cases():
            data = case.make()
            sent.append(Sent(case, len(data), one.send(case.name, data)))
        after = one.send("a good image", good)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(report(sent), "utf-8")
    return Run(sent, before, after, printed.read_text("utf-8"))


def report(sent: list[Sent]) -> str:
    """What became of each family, and which files took the most."""
    families: dict[str, Counter[str]] = {}
    for one in sent:
        families.setdefault(one.case.family, Counter())[one.outcome] += 1
    slowest = sorted(sent, key=lambda one: one.told.seconds, reverse=True)[:20]
    largest = sorted(sent, key=lambda one: one.told.peak, reverse=True)[:20]
    lines = [f"# {len(sent)} hostile files", "", "| family | files | became |", "|---|---|---|"]
    for family, outcomes in families.items():
        became = ", ".join(f"{outcome} {count}" for outcome, count in outcomes.most_common())
        lines.append(f"| {family} | {outcomes.total()} | {became} |")
    lines += ["", "## The slowest", "", *(f"- {one}" for one in slowest)]
    lines += ["", "## Those of the most memory", "", *(f"- {one}" for one in largest), ""]
    return "\n".join(lines)


def these(wrong: list[Sent]) -> str:
    return "\n".join(map(str, wrong[:20]))


def test_there_are_thousands_each_with_a_name_of_its_own(run: Run) -> None:
    assert len({(one.case.family, one.case.name) for one in run.sent}) == len(run.sent) >= 2_000


def test_they_are_the_same_each_time() -> None:
    def digests() -> list[str]:
        return [hashlib.sha256(case.make()).hexdigest() for case in all_cases()[::50]]

    assert digests() == digests()


def test_each_is_answered_or_refused_with_a_known_code(run: Run) -> None:
    wrong = [
        one
        for one in run.sent
        if one.told.status != 200 and (one.told.status, one.told.content_type) != (STATUS.get(one.outcome), MEDIA_TYPE)
    ]
    assert not wrong, these(wrong)
    assert {one.told.status // 100 for one in run.sent} == {2, 4}


def test_each_family_gets_what_it_deserves(run: Run) -> None:
    wrong = [one for one in run.sent if one.outcome not in one.case.expected]
    assert not wrong, these(wrong)


def test_every_answer_has_a_score(run: Run) -> None:
    assert all(one.told.score is not None and 0 <= one.told.score <= 1 for one in run.sent if one.outcome == ANSWER)


def test_none_takes_more_than_512_mb(run: Run) -> None:
    wrong = [one for one in run.sent if one.told.peak > MAX_MEMORY]
    assert not wrong, these(wrong)


def test_none_takes_half_a_minute(run: Run) -> None:
    wrong = [one for one in run.sent if one.told.seconds > MAX_SECONDS]
    assert not wrong, these(wrong)


def test_what_is_too_large_by_its_header_is_refused_before_its_pixels_are_decoded(run: Run) -> None:
    of_header = [one for one in run.sent if one.case.family in (too_large.FAMILY, too_large.BEYOND_WEBP)]
    wrong = [one for one in of_header if one.told.growth > MAX_GROWTH]
    assert len(of_header) > 100
    assert not wrong, these(wrong)


def test_one_worker_answers_them_all_and_scores_as_it_did_before(run: Run) -> None:
    assert {one.told.pid for one in run.sent} == {run.before.pid} == {run.after.pid}
    assert run.before.score == run.after.score is not None


def test_nothing_that_is_written_in_a_file_is_printed_or_sent_back(run: Run) -> None:
    assert CANARY not in run.printed
    assert not [one for one in run.sent if one.told.tells]
    assert run.printed.count('"message":"request"') == len(run.sent) + 2


def test_hardly_anything_is_printed_but_our_own_lines(run: Run) -> None:
    # libtiff names, by numbers alone, what it cannot read; one file once made tens of thousands of lines
    others = [line for line in run.printed.splitlines() if not line.startswith("{")]
    assert len(others) < len(run.sent), others[:20]


def test_every_idea_has_its_files(run: Run) -> None:
    families = Counter(one.case.family for one in run.sent)
    assert len(families) > 20
    assert families[odd_tiff.FAMILY] > 50
