"""Results go to a place of their own, all or none of the newest decision, and never over another's."""

import hashlib
import random
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.exceptions import ClientError

from tests import buckets
from tests.buckets import RESULTS, UPLOADS, Calls, Cloud, recording_client
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
from thyroid.s3.store import ResultStore, prefix_of

cloud = buckets.cloud

MAX_KEY_BYTES = 1024  # bytes of UTF-8, as S3 says; on purpose not the constant of the code
UPLOAD = Upload(UPLOADS, "a.png", "version-1", "etag-1")
NEWER = Upload(UPLOADS, "a.png", "version-2", "etag-2")


def analysed(label: str = "Benign") -> ProcessedImage:
    outcome = Outcome(status="analysed", score=0.25, label=label, risk="Low Risk", model_sha256="a" * 64)
    return ProcessedImage(outcome, {HEATMAP: b"heat", OVERLAY: b"over", RESULT: b"{}"})


def refusal() -> ProcessedImage:
    return without_result(UnreadableImageError("No."), Source(key="a.png"))


def result_store(calls: Calls | None = None) -> ResultStore:
    return ResultStore(recording_client("s3", calls or Calls()), RESULTS, UPLOADS)


# --- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["a.png", "clinic/left lobe+1.png", "甲状腺/é.png", "a.png/result.json", "//a"])
def test_an_image_of_the_uploads_bucket_has_its_results_under_its_key(key: str) -> None:
    assert prefix_of(Upload(UPLOADS, key), UPLOADS) == f"results/{key}"


def test_another_buckets_images_have_theirs_elsewhere() -> None:
    assert prefix_of(Upload("an-archive", "a.png"), UPLOADS) == "buckets/an-archive/a.png"


def test_every_version_of_an_image_has_the_same_place() -> None:
    assert prefix_of(UPLOAD, UPLOADS) == prefix_of(NEWER, UPLOADS)


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
    for length in range(850, MAX_KEY_BYTES + 1):
        # GIVEN a key of any length
        key = key_of(length, chance)
        assert len(key.encode()) == length
        # WHEN it gets a place THEN the longest of its results' names still fits, and nothing of a letter is cut off
        prefix = prefix_of(Upload(bucket, key), UPLOADS)
        assert max(len(f"{prefix}/{name}".encode()) for name in NAMES) <= MAX_KEY_BYTES
        assert "\ufffd" not in prefix


def test_a_key_is_cut_off_only_where_it_has_to_be() -> None:
    room = MAX_KEY_BYTES - len(f"results//{HEATMAP}")

    assert prefix_of(Upload(UPLOADS, "k" * room), UPLOADS) == "results/" + "k" * room
    assert prefix_of(Upload(UPLOADS, "k" * (room + 1)), UPLOADS) != "results/" + "k" * (room + 1)


@pytest.mark.parametrize("letter", ["k", "é", "甲", "🦋"])
def test_long_keys_with_the_same_beginning_have_places_of_their_own(letter: str) -> None:
    beginning = letter * (1016 // len(letter.encode()))
    keys = [beginning + end for end in ("", "1", "2", "1.png", "2.png", letter)]
    assert all(len(key.encode()) <= MAX_KEY_BYTES for key in keys)

    prefixes = {prefix_of(Upload(UPLOADS, key), UPLOADS) for key in keys}

    assert len(prefixes) == len(keys)
    assert all(prefix.startswith("results/" + letter * 200) for prefix in prefixes)


def test_a_long_keys_place_stays_where_it_is_from_release_to_release() -> None:
    """Elsewhere, the results of an image's next version would not take the place of this one's."""
    key = "k" * MAX_KEY_BYTES
    room = MAX_KEY_BYTES - len("results//") - len("heatmap.png")

    prefix = prefix_of(Upload(UPLOADS, key), UPLOADS)

    suffix = "~" + hashlib.sha256(key.encode()).hexdigest()
    assert prefix == f"results/{'k' * (room - len(suffix))}{suffix}"


def test_a_long_keys_results_can_be_written_and_found(cloud: Cloud) -> None:
    upload = Upload(UPLOADS, "甲" * 341)

    assert result_store().replace(upload, result_store().etags(upload), analysed())

    assert len(cloud.keys()) == 3
    assert all(result_store().etags(upload)[name] for name in (HEATMAP, OVERLAY, RESULT))


# --- writing ----------------------------------------------------------------------------------------------------------


def test_where_nothing_lies_there_are_no_etags(cloud: Cloud) -> None:
    assert result_store().etags(UPLOAD) == dict.fromkeys(NAMES)


def test_a_first_result_is_written_with_its_images(cloud: Cloud) -> None:
    assert result_store().replace(UPLOAD, result_store().etags(UPLOAD), analysed())

    files = cloud.results("a.png")
    assert {name: file.content for name, file in files.items()} == {HEATMAP: b"heat", OVERLAY: b"over", RESULT: b"{}"}
    assert {name: file.media_type for name, file in files.items()} == {
        HEATMAP: "image/png",
        OVERLAY: "image/png",
        RESULT: "application/json",
    }


def test_a_first_refusal_is_written_alone(cloud: Cloud) -> None:
    assert result_store().replace(UPLOAD, result_store().etags(UPLOAD), refusal())

    files = cloud.results("a.png")
    assert set(files) == {ERROR}
    assert files[ERROR].media_type == "application/json"


@pytest.mark.parametrize("first", [analysed(), refusal()], ids=["analysed", "refused"])
@pytest.mark.parametrize("second", [analysed(), refusal()], ids=["analysed", "refused"])
def test_a_later_decision_takes_the_place_of_the_first(
    first: ProcessedImage, second: ProcessedImage, cloud: Cloud
) -> None:
    store = result_store()
    assert store.replace(UPLOAD, store.etags(UPLOAD), first)

    assert store.replace(NEWER, store.etags(NEWER), second)

    files = cloud.results("a.png")
    assert set(files) == set(second.files)
    assert {file.metadata["input-version"] for file in files.values()} == {"version-2"}


@pytest.mark.parametrize("first", [analysed(), refusal()], ids=["analysed", "refused"])
def test_a_stale_decision_of_the_other_kind_is_gone_before_the_new_one_lies_there(
    first: ProcessedImage, cloud: Cloud
) -> None:
    # GIVEN a decision
    second = refusal() if first.outcome.status == "analysed" else analysed()
    result_store().replace(UPLOAD, result_store().etags(UPLOAD), first)
    # WHEN one of the other kind is written
    calls, seen = Calls(), []

    def look(_number: int, _name: str, _response: dict[str, Any]) -> None:
        seen.append({RESULT, ERROR} & set(cloud.results("a.png")))

    store = result_store(calls)
    before = store.etags(NEWER)
    calls.after = look
    store.replace(NEWER, before, second)
    # THEN at no time are there both, and for a moment there is none
    assert {RESULT, ERROR} not in seen
    assert set() in seen
    assert seen[-1] == {RESULT, ERROR} & set(second.files)


def test_the_decision_is_written_last(cloud: Cloud) -> None:
    calls = Calls()
    store = result_store(calls)

    store.replace(UPLOAD, store.etags(UPLOAD), analysed())

    assert [params["Key"] for name, params in calls.made if name == "s3.put_object"][-1].endswith(RESULT)


def test_the_decision_is_deleted_first_so_that_it_never_speaks_of_images_that_are_gone(cloud: Cloud) -> None:
    calls = Calls()
    store = result_store(calls)
    store.replace(UPLOAD, store.etags(UPLOAD), analysed())

    store.replace(NEWER, store.etags(NEWER), refusal())

    assert next(params["Key"] for name, params in calls.made if name == "s3.delete_object").endswith(RESULT)


MEANWHILE = {"written": b"of another", "deleted": None}


@pytest.mark.parametrize("what", MEANWHILE)
@pytest.mark.parametrize("touched", [HEATMAP, OVERLAY, RESULT])
@pytest.mark.parametrize("second", [analysed(), refusal()], ids=["analysed", "refused"])
def test_it_does_not_write_where_another_was_faster(
    second: ProcessedImage, touched: str, what: str, cloud: Cloud
) -> None:
    # GIVEN results, and that another touches one of them after it was looked at
    store = result_store()
    store.replace(UPLOAD, store.etags(UPLOAD), analysed())
    before = store.etags(NEWER)
    key, content = f"results/a.png/{touched}", MEANWHILE[what]
    if content is None:
        cloud.s3.delete_object(Bucket=RESULTS, Key=key)
    else:
        cloud.s3.put_object(Bucket=RESULTS, Key=key, Body=content)
    # WHEN it is about to write THEN it says that it cannot
    assert not store.replace(NEWER, before, second)
    # AND what the other did is as he left it
    assert (cloud.file(key).content if key in set(cloud.keys()) else None) == content


@pytest.mark.parametrize("touched", [HEATMAP, OVERLAY, RESULT])
def test_it_does_not_write_over_what_another_wrote_first(touched: str, cloud: Cloud) -> None:
    store = result_store()
    before = store.etags(UPLOAD)
    cloud.s3.put_object(Bucket=RESULTS, Key=f"results/a.png/{touched}", Body=b"of another")

    assert not store.replace(UPLOAD, before, analysed())

    assert cloud.file(f"results/a.png/{touched}").content == b"of another"


@pytest.mark.parametrize("first", [analysed(), refusal()], ids=["analysed", "refused"])
def test_it_does_not_put_a_decision_beside_one_of_the_other_kind_that_another_wrote(
    first: ProcessedImage, cloud: Cloud
) -> None:
    # GIVEN that nothing lay there, and another wrote all of its decision since
    second = refusal() if first.outcome.status == "analysed" else analysed()
    store = result_store()
    before = store.etags(UPLOAD)
    assert store.replace(NEWER, store.etags(NEWER), first)
    # WHEN it writes THEN it says that there are two decisions now
    assert not store.replace(UPLOAD, before, second)
    # AND once it has withdrawn its own, the other's decision is the only one
    store.withdraw(UPLOAD)
    files = cloud.results("a.png")
    assert set(files) == set(first.files)
    assert {file.metadata["input-version"] for file in files.values()} == {"version-2"}


@pytest.mark.parametrize("looked_at", [(), (ERROR,), (RESULT, ERROR), (HEATMAP, RESULT)])
def test_it_does_nothing_where_it_does_not_know_what_it_would_have_to_remove(
    looked_at: tuple[str, ...], cloud: Cloud
) -> None:
    store = result_store()
    assert store.replace(UPLOAD, store.etags(UPLOAD), analysed())
    there = cloud.results("a.png")

    assert not store.replace(NEWER, store.etags(NEWER, looked_at), refusal())

    assert cloud.results("a.png") == there


def test_for_a_first_result_it_is_enough_to_know_that_nothing_was_decided(cloud: Cloud) -> None:
    assert result_store().replace(UPLOAD, result_store().etags(UPLOAD, [RESULT, ERROR]), analysed())

    assert set(cloud.results("a.png")) == {HEATMAP, OVERLAY, RESULT}


@pytest.mark.parametrize("first", [analysed(), refusal()], ids=["analysed", "refused"])
def test_a_decision_that_stands_alone_is_not_withdrawn(first: ProcessedImage, cloud: Cloud) -> None:
    """It is the only one there is: whoever takes it away leaves an image of which nothing is said."""
    assert result_store().replace(UPLOAD, result_store().etags(UPLOAD), first)

    result_store().withdraw(UPLOAD)

    assert set(cloud.results("a.png")) == set(first.files)


@pytest.mark.parametrize("code", ["AccessDenied", "SlowDown", "InternalError"])
def test_trouble_while_withdrawing_is_raised(code: str, cloud: Cloud) -> None:
    two_decisions(cloud)
    calls = Calls()
    calls.before = lambda _number, name: code if name == "s3.delete_object" else None

    with pytest.raises(ClientError) as raised:
        result_store(calls).withdraw(UPLOAD)

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
    result_store(calls).withdraw(UPLOAD)
    files = cloud.results("a.png")
    assert {name for name, file in files.items() if file.content == b"of a third"} == {HEATMAP, OVERLAY, RESULT}


def two_decisions(cloud: Cloud) -> None:
    """Leave a result of an old version, and beside it a newer one's refusal that was written at the same time."""
    store = result_store()
    nothing = store.etags(UPLOAD)
    assert store.replace(NEWER, nothing, refusal())
    assert not store.replace(UPLOAD, nothing, analysed())
    assert {RESULT, ERROR} <= set(cloud.results("a.png"))


def test_it_does_not_take_away_what_another_wrote_though_it_is_the_same_to_the_byte(cloud: Cloud) -> None:
    # GIVEN a result, and that another version's, of which images may well be the same, was written since
    store = result_store()
    store.replace(Upload(UPLOADS, "a.png", "version-0"), store.etags(UPLOAD), analysed())
    before = store.etags(UPLOAD)
    newer = ProcessedImage(analysed().outcome, {**analysed().files, RESULT: b'{"newer": true}'})
    assert store.replace(NEWER, before, newer)
    # WHEN the one in between is about to say that it is unreadable THEN it cannot
    assert not store.replace(UPLOAD, before, refusal())
    # AND the newer result still has its images
    assert set(cloud.results("a.png")) == {HEATMAP, OVERLAY, RESULT}


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404"])
@pytest.mark.parametrize("method", ["s3.put_object", "s3.delete_object"])
def test_all_that_s3_may_answer_where_another_was_faster_is_understood(code: str, method: str, cloud: Cloud) -> None:
    calls = Calls()
    store = result_store(calls)
    store.replace(UPLOAD, store.etags(UPLOAD), refusal())
    before = store.etags(UPLOAD)

    calls.before = lambda _number, name: code if name == method else None

    assert not store.replace(UPLOAD, before, analysed())


TROUBLE = ["AccessDenied", "SlowDown", "ServiceUnavailable", "InternalError", "NoSuchBucket", "InvalidRequest"]


@pytest.mark.parametrize("code", TROUBLE)
@pytest.mark.parametrize("method", ["s3.put_object", "s3.delete_object", "s3.head_object"])
def test_any_other_trouble_is_raised(code: str, method: str, cloud: Cloud) -> None:
    # GIVEN a stale refusal, so that it has to look, delete and write
    calls = Calls()
    store = result_store(calls)
    store.replace(UPLOAD, store.etags(UPLOAD), refusal())
    # WHEN S3 refuses one of these
    calls.before = lambda _number, name: code if name == method else None
    # THEN that is no question of who was faster
    with pytest.raises(ClientError) as raised:
        store.replace(UPLOAD, store.etags(UPLOAD), analysed())
    assert raised.value.response["Error"]["Code"] == code


# --- what is said on a file -------------------------------------------------------------------------------------------


def test_a_result_says_on_itself_which_model_decided_what_about_which_image(cloud: Cloud) -> None:
    result_store().replace(UPLOAD, result_store().etags(UPLOAD), analysed())

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
    result_store().replace(Upload(UPLOADS, "a.png"), result_store().etags(UPLOAD), refusal())

    assert cloud.results("a.png")[ERROR].metadata == {"status": "refused", "label": "unreadable_image"}


@pytest.mark.parametrize("label", ["Maligne – sûr", "悪性", "a\r\nb", "100 %", "Malignant (Cancerous)"])
def test_words_of_any_language_travel_as_ascii(label: str, cloud: Cloud) -> None:
    calls = Calls()

    result_store(calls).replace(UPLOAD, result_store().etags(UPLOAD), analysed(label))

    sent = [params["Metadata"] for name, params in calls.made if name == "s3.put_object"]
    assert len(sent) == 3
    for value in (value for metadata in sent for value in metadata.values()):
        assert value.isascii()
        assert value.isprintable()
    assert unquote(sent[0]["label"]) == label
