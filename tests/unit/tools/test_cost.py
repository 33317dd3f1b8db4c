"""Each figure in dollars of a document is calculated in one place, from prices, measurements and the template."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import bill, cost
from functions import s3_worker
from thyroid.settings import Settings
from thyroid.telemetry.metrics import emit, emit_upload

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
    if path.name != "CHANGELOG.md"  # it tells what was
)
STACK = bill.the_stack()
MEASURED = bill.measured()
PASSAGES = bill.passages(MEASURED, STACK)
COSTS = bill.archive_costs(MEASURED, STACK)

MONEY = re.compile(r"\$\s?\d+(?:[.,]\d+)*|\bUSD\b|\bdollars? ?\d|\d ?(?:dollars?|cents?)\b|\d ?¢")


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def missing(text: str, passages: list[str]) -> list[str]:
    """Return the passages that a document does not have, or has more than once."""
    return [passage for passage in passages if on_one_line(text).count(on_one_line(passage)) != 1]


def unknown(text: str, passages: list[str]) -> list[str]:
    """Return a document's figures in dollars that stand in none of the passages."""
    rest = on_one_line(text)
    for passage in passages:
        rest = rest.replace(on_one_line(passage), " ")
    return MONEY.findall(rest)


# --- the documents ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", PASSAGES)
def test_a_document_says_what_was_worked_out(document: str) -> None:
    """``python -m benchmarks.bill`` prints what it has to say."""
    assert missing((ROOT / document).read_text("utf-8"), PASSAGES[document]) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_document_has_another_figure_in_dollars(document: str) -> None:
    assert unknown((ROOT / document).read_text("utf-8"), PASSAGES.get(document, [])) == []


@pytest.mark.parametrize("document", PASSAGES)
def test_a_figure_that_is_changed_or_new_is_found(document: str) -> None:
    # GIVEN a document with one figure after the other written with a digit more
    text = (ROOT / document).read_text("utf-8")
    for figure in MONEY.finditer(text):
        changed = f"{text[: figure.end()]}1{text[figure.end() :]}"
        # THEN each is seen
        assert missing(changed, PASSAGES[document])
        assert unknown(changed, PASSAGES[document])
    # AND one with a sentence more
    assert unknown(f"{text}\nAll of it is $12 a month.\n", PASSAGES[document]) == ["$12"]


@pytest.mark.parametrize("price", ["$5", "$ 0.26", "USD", "5 cents", "3 dollars", "dollars 3"])
def test_a_price_is_seen_however_it_is_written(price: str) -> None:
    assert unknown(f"It is {price} a month.", [])


def test_another_price_is_another_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "GB_SECOND", 2 * cost.GB_SECOND)
    monkeypatch.setattr(cost, "PROVISIONED_GB_SECOND", 2 * cost.PROVISIONED_GB_SECOND)
    changed = bill.passages(MEASURED, STACK)
    assert all(missing((ROOT / document).read_text("utf-8"), changed[document]) for document in PASSAGES)


def test_it_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert bill.main() == 0
    printed = capsys.readouterr().out
    assert all(passage in printed for passages in PASSAGES.values() for passage in passages)


# --- what it is worked out from ---------------------------------------------------------------------------------------


def test_measurements_are_of_the_memory_that_the_stack_has() -> None:
    assert MEASURED["memory_mb"] == STACK.memory_mb


def test_a_worker_has_so_many_images_in_transfer() -> None:
    assert cost.THREADS == s3_worker.THREADS


def test_the_metrics_that_are_priced_are_those_that_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(metrics_namespace="Thyroid", service_name="a-stack")
    facts = {"status": 200, "outcome": "analysed", "duration_ms": 1.0, "score": 0.5, "risk": "Moderate Risk"}
    emit(settings, facts, cold_start=False)
    emit_upload(settings, facts)
    lines = [json.loads(line)["_aws"]["CloudWatchMetrics"] for line in capsys.readouterr().out.splitlines()]
    assert len({metric["Name"] for (directive,) in lines for metric in directive["Metrics"]}) == bill.METRICS


def made_up(**more: Any) -> dict[str, Any]:
    """A template of one worker, one archive and what else is given."""
    queue = {"Type": "SQS", "Properties": {"BatchSize": 10}}
    archive = {"DefinitionString": {"Fn::Sub": ['{"MaxItemsPerBatch": 25, "Next": {"MaxItemsPerBatch": 25}}', {}]}}
    worker = {"Type": "AWS::Serverless::Function", "Properties": {"Events": {"Queue": queue}}}
    return {
        "Parameters": {"MemorySize": {"Default": 2048}, "ArchiveConcurrency": {"Default": 7}},
        "Resources": {"Worker": worker, "Archive": {"Type": "AWS::StepFunctions::StateMachine", "Properties": archive}}
        | more,
    }


def test_functions_count_that_have_a_warm_start() -> None:
    warm = {"SnapStart": {"ApplyOn": {"Fn::If": []}}, "ProvisionedConcurrencyConfig": {"Fn::If": []}}
    function = {"Type": "AWS::Serverless::Function", "Properties": warm}
    found = bill.stack(made_up(One=function, Two=function))
    assert (found.snapshots, found.provisioned, found.memory_mb) == (2, 2, 2048)
    assert (found.queue_batch, found.archive_batch, found.archive_concurrency) == (10, 25, 7)


def test_an_alarm_counts_by_the_metrics_that_it_looks_at() -> None:
    plain = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}}
    parts = [{"Id": "sum", "Expression": "a + b"}, *({"Id": name, "MetricStat": {}} for name in "ab")]
    formula = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": parts}}
    assert bill.stack(made_up(Plain=plain, Formula=formula)).alarm_metrics == 3


def test_the_readme_follows_the_templates_alarms() -> None:
    more = bill.passages(MEASURED, STACK._replace(alarm_metrics=STACK.alarm_metrics + 7))
    assert f"alarms on {STACK.alarm_metrics + 7} metrics" in more["README.md"][-1]


# --- the formulas, worked out by hand ---------------------------------------------------------------------------------


def cents(dollars: float) -> Any:
    return pytest.approx(dollars, abs=0.005)


def test_the_formula_gives_what_awss_price_list_gives() -> None:
    """A million calls of 120 ms at 1,536 MB: 180,000 GB-seconds, so $3.00, and $0.20 for the requests."""
    assert cost.dollars_per_million(119.3, 1536) == cents(3.20)


@pytest.mark.parametrize(("milliseconds", "dollars"), [(10.7, 0.52), (16.0, 0.66), (16.8, 0.69)])
def test_a_whole_millisecond_is_not_rounded_up(milliseconds: float, dollars: float) -> None:
    assert cost.dollars_per_million(milliseconds, 1769) == cents(dollars)


def test_a_gigabyte_of_logs_and_of_answers_has_its_price() -> None:
    assert cost.logs(2**30 / 1e6) == cents(0.50)
    assert cost.transfer(2**30 / 1e6) == cents(0.09)


@pytest.mark.parametrize(
    ("requests", "traced"), [(1_000_000, 1_000_000), (2_628_000, 2_628_000), (4_628_000, 2_728_000)]
)
def test_one_request_a_second_is_traced_and_a_twentieth_of_the_rest(requests: int, traced: int) -> None:
    assert cost.traced(requests) == traced


@pytest.mark.parametrize(("requests", "dollars"), [(50_000, 0), (1_000_000, 4.50)])
def test_traces_cost_where_they_are_more_than_the_free_ones(requests: int, dollars: float) -> None:
    assert cost.traces(requests) == cents(dollars)


def test_environments_and_snapshots_cost_by_their_memory_and_time() -> None:
    """1 GB is 2,628,000 GB-seconds in a month of 730 hours: $10.95 kept started, $3.95 as a snapshot."""
    assert cost.provisioned(1, 1024) == cents(10.95)
    assert cost.snapshots(1, 1024) == cents(3.95)
    assert cost.provisioned(4, 1769) == pytest.approx(76, abs=0.5)
    assert cost.snapshots(4, 1769) == pytest.approx(27, abs=0.5)
    assert cost.restores(1000, 1024) == cents(0.14)


def test_pollers_of_an_empty_queue_poll_every_twenty_seconds() -> None:
    assert cost.polls_per_month() == 5 * 2_628_000 / 20


def test_a_message_is_sent_by_itself_and_received_and_deleted_with_others() -> None:
    assert cost.queue(10) == cents(0.48)
    assert cost.queue(1) == cents(1.20)


def test_a_batch_is_a_transition_a_request_and_the_tenths_of_a_second_that_it_takes() -> None:
    """50,000 batches: $1.25; $0.05; and of 1.8 s, 64 MB each, 5,625 GB-seconds, $0.09."""
    assert COSTS.batch == 20
    assert COSTS.map_transitions() == cents(1.25)
    assert COSTS.map_children() == pytest.approx(0.05 + 5625 * 0.00001667, abs=1e-9)


def test_larger_batches_cost_less_by_the_image() -> None:
    larger = replace(COSTS, batch=100)
    assert larger.map_transitions() == cents(0.25)
    assert larger.map_children() < COSTS.map_children()
    assert larger.function() < COSTS.function()


def test_a_worker_waits_for_aws_or_works_whichever_is_more() -> None:
    assert COSTS.seconds() == pytest.approx(8 * 0.1 + 3 * 0.02 + 0.0249)
    assert COSTS.rate() == pytest.approx(10 / 0.8849)
    assert replace(COSTS, processor_seconds=1.0).rate() == 1


def test_images_cost_what_their_calls_do() -> None:
    """Three PUT are $15, five of the cheaper calls $2, two writes $1.25, an event $1; 95 GB are 88.5 of 2**30."""
    assert sum(COSTS.services().values()) == cents(15 + 2 + 1.25 + 1 + 1.07)
    assert COSTS.together() == cents(COSTS.function() + 20.32)
    assert COSTS.together_one_by_one() == cents(22.80 + 20.32 - 0.40)
    assert COSTS.stored() == cents(2.03)


def test_a_firewall_costs_by_its_rules() -> None:
    assert cost.firewall(3) == 8
