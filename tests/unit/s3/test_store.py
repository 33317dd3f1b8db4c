"""Results go to a place of their own, all or none of the newest decision, and never over another's."""

import hashlib
import random
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.exceptions import ClientError

from tests import buckets
from tests.buckets import RESULTS, UPLOADS, Calls, Cloud, telling
from thyroid.errors import UnreadableImageError
from thyroid.files.result_files import (
    ERROR,
    HEATMAP,
    NAMES,
    OVERLAY,
    RESULT,
    Outcome,
    ProcessedImage,
    Source,
    without_result,
)
from thyroid.s3.events import Upload
from thyroid.s3.store import Outbox, place_of

cloud = buckets.cloud

LONGEST_KEY = 1024  # bytes of UTF-8, as S3 says; on purpose not the constant of the code
UPLOAD = Upload(UPLOADS, "a.png", "version-1", "etag-1")
NEWER = Upload(UPLOADS, "a.png", "version-2", "etag-2")


def analysed(label: str = "Benign") -> ProcessedImage:
    outcome = Outcome(status="analysed", score=0.25, label=label, risk="Low Risk", model_sha256="a" * 64)
    return ProcessedImage(outcome, {HEATMAP: b"heat", OVERLAY: b"over", RESULT: b"{}"})


def refusal() -> ProcessedImage:
    return without_result(UnreadableImageError("No."), Source(key="a.png"))


def outbox(calls: Calls | None = None) -> Outbox:
    return Outbox(telling("s3", calls or Calls()), RESULTS, UPLOADS)


# --- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["a.png", "clinic/left lobe+1.png", "甲状腺/é.png", "a.png/result.json", "//a"])
def test_a_picture_of_the_uploads_bucket_has_its_results_under_its_key(key: str) -> None:
    assert place_of(Upload(UPLOADS, key), UPLOADS) == f"results/{key}"


def test_another_buckets_pictures_have_theirs_elsewhere() -> None:
    assert place_of(Upload("an-archive", "a.png"), UPLOADS) == "buckets/an-archive/a.png"


def test_every_version_of_a_picture_has_the_same_place() -> None:
    assert place_of(UPLOAD, UPLOADS) == place_of(NEWER, UPLOADS)


LETTERS = ["a", "/", " ", "~", "é", "甲", "🦋", "\u0301"]


def key_of(length: int, chance: random.Random) -> str:
    """Make a key of so many bytes, of letters that take one to four."""
    key = ""
    while (room := length - len(key.encode())) > 0:
        key += chance.choice([letter for letter in LETTERS if len(letter.encode()) <= room])
    return key


@pytest.mark.parametrize("bucket", [UPLOADS, "b" * 63, "abc"])
@pytest.mark.parametrize("seed", range(5))
def test_whatever_the_key_its_results_have_keys_that_s3_takes(bucket: str, seed: int) -> None:
    chance = random.Random(seed)
    for length in range(850, LONGEST_KEY + 1):
        # GIVEN a key of any length
        key = key_of(length, chance)
        assert len(key.encode()) == length
        # WHEN it gets a place THEN the longest of its results' names still fits, and nothing of a letter is cut off
        place = place_of(Upload(bucket, key), UPLOADS)
        assert max(len(f"{place}/{name}".encode()) for name in NAMES) <= LONGEST_KEY
        assert "\ufffd" not in place


def test_a_key_is_cut_off_only_where_it_has_to_be() -> None:
    room = LONGEST_KEY - len(f"results//{HEATMAP}")

    assert place_of(Upload(UPLOADS, "k" * room), UPLOADS) == "results/" + "k" * room
    assert place_of(Upload(UPLOADS, "k" * (room + 1)), UPLOADS) != "results/" + "k" * (room + 1)


@pytest.mark.parametrize("letter", ["k", "é", "甲", "🦋"])
def test_long_keys_with_the_same_beginning_have_places_of_their_own(letter: str) -> None:
    beginning = letter * (1016 // len(letter.encode()))
    keys = [beginning + end for end in ("", "1", "2", "1.png", "2.png", letter)]
    assert all(len(key.encode()) <= LONGEST_KEY for key in keys)

    places = {place_of(Upload(UPLOADS, key), UPLOADS) for key in keys}

    assert len(places) == len(keys)
    assert all(place.startswith("results/" + letter * 200) for place in places)


def test_a_long_keys_place_stays_where_it_is_from_release_to_release() -> None:
    """Elsewhere, the results of a picture's next version would not take the place of this one's."""
    key = "k" * LONGEST_KEY
    room = LONGEST_KEY - len("results//") - len("heatmap.png")

    place = place_of(Upload(UPLOADS, key), UPLOADS)

    mark = "~" + hashlib.sha256(key.encode()).hexdigest()
    assert place == f"results/{'k' * (room - len(mark))}{mark}"


def test_a_long_keys_results_can_be_written_and_found(cloud: Cloud) -> None:
    upload = Upload(UPLOADS, "甲" * 341)

    assert outbox().replace(upload, outbox().etags(upload), analysed())

    assert len(cloud.keys()) == 3
    assert all(outbox().etags(upload)[name] for name in (HEATMAP, OVERLAY, RESULT))


# --- writing ----------------------------------------------------------------------------------------------------------


def test_where_nothing_lies_there_are_no_etags(cloud: Cloud) -> None:
    assert outbox().etags(UPLOAD) == dict.fromkeys(NAMES)


def test_a_first_result_is_written_with_its_pictures(cloud: Cloud) -> None:
    assert outbox().replace(UPLOAD, outbox().etags(UPLOAD), analysed())

    files = cloud.results("a.png")
    assert {name: file.content for name, file in files.items()} == {HEATMAP: b"heat", OVERLAY: b"over", RESULT: b"{}"}
    assert {name: file.media_type for name, file in files.items()} == {
        HEATMAP: "image/png",
        OVERLAY: "image/png",
        RESULT: "application/json",
    }


def test_a_first_refusal_is_written_alone(cloud: Cloud) -> None:
    assert outbox().replace(UPLOAD, outbox().etags(UPLOAD), refusal())

    files = cloud.results("a.png")
    assert set(files) == {ERROR}
    assert files[ERROR].media_type == "application/json"


@pytest.mark.parametrize("first", [analysed(), refusal()], ids=["analysed", "refused"])
@pytest.mark.parametrize("second", [analysed(), refusal()], ids=["analysed", "refused"])
def test_a_later_decision_takes_the_place_of_the_first(
    first: ProcessedImage, second: ProcessedImage, cloud: Cloud
) -> None:
    box = outbox()
    assert box.replace(UPLOAD, box.etags(UPLOAD), first)

    assert box.replace(NEWER, box.etags(NEWER), second)

    files = cloud.results("a.png")
    assert set(files) == set(second.files)
    assert {file.metadata["input-version"] for file in files.values()} == {"version-2"}


@pytest.mark.parametrize("first", [analysed(), refusal()], ids=["analysed", "refused"])
def test_a_stale_decision_of_the_other_kind_is_gone_before_the_new_one_lies_there(
    first: ProcessedImage, cloud: Cloud
) -> None:
    # GIVEN a decision
    second = refusal() if first.outcome.status == "analysed" else analysed()
    outbox().replace(UPLOAD, outbox().etags(UPLOAD), first)
    # WHEN one of the other kind is written
    calls, seen = Calls(), []

    def look(_number: int, _name: str, _answer: dict[str, Any]) -> None:
        seen.append({RESULT, ERROR} & set(cloud.results("a.png")))

    box = outbox(calls)
    before = box.etags(NEWER)
    calls.after = look
    box.replace(NEWER, before, second)
    # THEN at no time are there both, and for a moment there is none
    assert {RESULT, ERROR} not in seen
    assert set() in seen
    assert seen[-1] == {RESULT, ERROR} & set(second.files)


def test_the_decision_is_written_last(cloud: Cloud) -> None:
    calls = Calls()
    box = outbox(calls)

    box.replace(UPLOAD, box.etags(UPLOAD), analysed())

    assert [params["Key"] for name, params in calls.made if name == "s3.put_object"][-1].endswith(RESULT)


def test_the_decision_is_deleted_first_so_that_it_never_speaks_of_pictures_that_are_gone(cloud: Cloud) -> None:
    calls = Calls()
    box = outbox(calls)
    box.replace(UPLOAD, box.etags(UPLOAD), analysed())

    box.replace(NEWER, box.etags(NEWER), refusal())

    assert next(params["Key"] for name, params in calls.made if name == "s3.delete_object").endswith(RESULT)


MEANWHILE = {"written": b"of another", "deleted": None}


@pytest.mark.parametrize("what", MEANWHILE)
@pytest.mark.parametrize("touched", [HEATMAP, OVERLAY, RESULT])
@pytest.mark.parametrize("second", [analysed(), refusal()], ids=["analysed", "refused"])
def test_it_does_not_write_where_another_was_faster(
    second: ProcessedImage, touched: str, what: str, cloud: Cloud
) -> None:
    # GIVEN results, and that another touches one of them after it was looked at
    box = outbox()
    box.replace(UPLOAD, box.etags(UPLOAD), analysed())
    before = box.etags(NEWER)
    key, content = f"results/a.png/{touched}", MEANWHILE[what]
    if content is None:
        cloud.s3.delete_object(Bucket=RESULTS, Key=key)
    else:
        cloud.s3.put_object(Bucket=RESULTS, Key=key, Body=content)
    # WHEN it is about to write THEN it says that it cannot
    assert not box.replace(NEWER, before, second)
    # AND what the other did is as he left it
    assert (cloud.file(key).content if key in set(cloud.keys()) else None) == content


@pytest.mark.parametrize("touched", [HEATMAP, OVERLAY, RESULT])
def test_it_does_not_write_over_what_another_wrote_first(touched: str, cloud: Cloud) -> None:
    box = outbox()
    before = box.etags(UPLOAD)
    cloud.s3.put_object(Bucket=RESULTS, Key=f"results/a.png/{touched}", Body=b"of another")

    assert not box.replace(UPLOAD, before, analysed())

    assert cloud.file(f"results/a.png/{touched}").content == b"of another"


@pytest.mark.parametrize("first", [analysed(), refusal()], ids=["analysed", "refused"])
def test_it_does_not_put_a_decision_beside_one_of_the_other_kind_that_another_wrote(
    first: ProcessedImage, cloud: Cloud
) -> None:
    # GIVEN that nothing lay there, and another wrote all of its decision since
    second = refusal() if first.outcome.status == "analysed" else analysed()
    box = outbox()
    before = box.etags(UPLOAD)
    assert box.replace(NEWER, box.etags(NEWER), first)
    # WHEN it writes THEN it says that there are two decisions now
    assert not box.replace(UPLOAD, before, second)
    # AND once it has withdrawn its own, the other's decision is the only one
    box.withdraw(UPLOAD)
    files = cloud.results("a.png")
    assert set(files) == set(first.files)
    assert {file.metadata["input-version"] for file in files.values()} == {"version-2"}


@pytest.mark.parametrize("looked_at", [(), (ERROR,), (RESULT, ERROR), (HEATMAP, RESULT)])
def test_it_does_nothing_where_it_does_not_know_what_it_would_have_to_remove(
    looked_at: tuple[str, ...], cloud: Cloud
) -> None:
    box = outbox()
    assert box.replace(UPLOAD, box.etags(UPLOAD), analysed())
    there = cloud.results("a.png")

    assert not box.replace(NEWER, box.etags(NEWER, looked_at), refusal())

    assert cloud.results("a.png") == there


def test_for_a_first_result_it_is_enough_to_know_that_nothing_was_decided(cloud: Cloud) -> None:
    assert outbox().replace(UPLOAD, outbox().etags(UPLOAD, [RESULT, ERROR]), analysed())

    assert set(cloud.results("a.png")) == {HEATMAP, OVERLAY, RESULT}


@pytest.mark.parametrize("first", [analysed(), refusal()], ids=["analysed", "refused"])
def test_a_decision_that_stands_alone_is_not_withdrawn(first: ProcessedImage, cloud: Cloud) -> None:
    """It is the only one there is: whoever takes it away leaves a picture of which nothing is said."""
    assert outbox().replace(UPLOAD, outbox().etags(UPLOAD), first)

    outbox().withdraw(UPLOAD)

    assert set(cloud.results("a.png")) == set(first.files)


@pytest.mark.parametrize("code", ["AccessDenied", "SlowDown", "InternalError"])
def test_trouble_while_withdrawing_is_raised(code: str, cloud: Cloud) -> None:
    two_decisions(cloud)
    calls = Calls()
    calls.before = lambda _number, name: code if name == "s3.delete_object" else None

    with pytest.raises(ClientError) as raised:
        outbox(calls).withdraw(UPLOAD)

    assert raised.value.response["Error"]["Code"] == code


def test_what_another_writes_over_it_meanwhile_is_not_withdrawn(cloud: Cloud) -> None:
    # GIVEN two decisions, and that a third process replaces the older one's files just before they are removed
    two_decisions(cloud)
    calls = Calls()

    def write(number: int, name: str) -> None:
        if name == "s3.delete_object":
            cloud.s3.put_object(Bucket=RESULTS, Key=calls.made[number][1]["Key"], Body=b"of a third")

    calls.before = write
    # WHEN the older one is withdrawn THEN what the third wrote stays
    outbox(calls).withdraw(UPLOAD)
    files = cloud.results("a.png")
    assert {name for name, file in files.items() if file.content == b"of a third"} == {HEATMAP, OVERLAY, RESULT}


def two_decisions(cloud: Cloud) -> None:
    """Leave a result of an old version, and beside it a newer one's refusal that was written at the same time."""
    box = outbox()
    nothing = box.etags(UPLOAD)
    assert box.replace(NEWER, nothing, refusal())
    assert not box.replace(UPLOAD, nothing, analysed())
    assert {RESULT, ERROR} <= set(cloud.results("a.png"))


def test_it_does_not_take_away_what_another_wrote_though_it_is_the_same_to_the_byte(cloud: Cloud) -> None:
    # GIVEN a result, and that another version's, of which pictures may well be the same, was written since
    box = outbox()
    box.replace(Upload(UPLOADS, "a.png", "version-0"), box.etags(UPLOAD), analysed())
    before = box.etags(UPLOAD)
    newer = ProcessedImage(analysed().outcome, {**analysed().files, RESULT: b'{"newer": true}'})
    assert box.replace(NEWER, before, newer)
    # WHEN the one in between is about to say that it is unreadable THEN it cannot
    assert not box.replace(UPLOAD, before, refusal())
    # AND the newer result still has its pictures
    assert set(cloud.results("a.png")) == {HEATMAP, OVERLAY, RESULT}


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404"])
@pytest.mark.parametrize("method", ["s3.put_object", "s3.delete_object"])
def test_all_that_s3_may_answer_where_another_was_faster_is_understood(code: str, method: str, cloud: Cloud) -> None:
    calls = Calls()
    box = outbox(calls)
    box.replace(UPLOAD, box.etags(UPLOAD), refusal())
    before = box.etags(UPLOAD)

    calls.before = lambda _number, name: code if name == method else None

    assert not box.replace(UPLOAD, before, analysed())


TROUBLE = ["AccessDenied", "SlowDown", "ServiceUnavailable", "InternalError", "NoSuchBucket", "InvalidRequest"]


@pytest.mark.parametrize("code", TROUBLE)
@pytest.mark.parametrize("method", ["s3.put_object", "s3.delete_object", "s3.head_object"])
def test_any_other_trouble_is_raised(code: str, method: str, cloud: Cloud) -> None:
    # GIVEN a stale refusal, so that it has to look, delete and write
    calls = Calls()
    box = outbox(calls)
    box.replace(UPLOAD, box.etags(UPLOAD), refusal())
    # WHEN S3 refuses one of these
    calls.before = lambda _number, name: code if name == method else None
    # THEN that is no question of who was faster
    with pytest.raises(ClientError) as raised:
        box.replace(UPLOAD, box.etags(UPLOAD), analysed())
    assert raised.value.response["Error"]["Code"] == code


# --- what is said on a file -------------------------------------------------------------------------------------------


def test_a_result_says_on_itself_which_model_decided_what_about_which_picture(cloud: Cloud) -> None:
    outbox().replace(UPLOAD, outbox().etags(UPLOAD), analysed())

    for file in cloud.results("a.png").values():
        assert file.metadata == {
            "status": "analysed",
            "label": "Benign",
            "risk": "Low Risk",
            "score": "0.25",
            "model-sha256": "a" * 64,
            "input-version": "version-1",
            "input-etag": "etag-1",
        }


def test_a_refusal_says_on_itself_why(cloud: Cloud) -> None:
    outbox().replace(Upload(UPLOADS, "a.png"), outbox().etags(UPLOAD), refusal())

    assert cloud.results("a.png")[ERROR].metadata == {"status": "refused", "label": "unreadable_image"}


@pytest.mark.parametrize("label", ["Maligne – sûr", "悪性", "a\r\nb", "100 %", "Malignant (Cancerous)"])
def test_words_of_any_language_travel_as_ascii(label: str, cloud: Cloud) -> None:
    calls = Calls()

    outbox(calls).replace(UPLOAD, outbox().etags(UPLOAD), analysed(label))

    sent = [params["Metadata"] for name, params in calls.made if name == "s3.put_object"]
    assert len(sent) == 3
    for value in (value for metadata in sent for value in metadata.values()):
        assert value.isascii()
        assert value.isprintable()
    assert unquote(sent[0]["label"]) == label
