"""Uploads: from a bucket through a queue to the worker, and who may do what with them."""

import inspect
import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

from tests.stack.conftest import KEPT, of_type, properties, stack, statements_of
from thyroid.s3.events import Upload
from thyroid.s3.idempotency import RETENTION_SECONDS
from thyroid.s3.links import PREFIX
from thyroid.s3.notify import SOURCE
from thyroid.s3.store import prefix_of
from thyroid.settings import Settings

STACK = stack()
BUCKETS = of_type(STACK, "AWS::S3::Bucket")
QUEUES = of_type(STACK, "AWS::SQS::Queue")
QUEUE = properties(STACK, "UploadsQueue")
DEAD_LETTERS = properties(STACK, "UploadsDeadLetters")
RULE = properties(STACK, "UploadsRule")
FUNCTIONS = of_type(STACK, "AWS::Lambda::Function")
(READING,) = (mapping["Properties"] for mapping in of_type(STACK, "AWS::Lambda::EventSourceMapping").values())
KEY = {"Ref": "KmsKeyArn"}
NOTHING = {"Ref": "AWS::NoValue"}
ARCHIVE_BUCKET = "arn:${AWS::Partition}:s3:::${ArchiveBucket}"
NO_TLS = {"Bool": {"aws:SecureTransport": "false"}}


def arn(name: str) -> dict[str, Any]:
    """Return what stands for a resource's ARN."""
    return {"Fn::GetAtt": [name, "Arn"]}


def under(bucket: str, path: str) -> dict[str, Any]:
    """Return what stands for the ARN of all objects of a bucket under a path."""
    return {"Fn::Sub": f"${{{bucket}.Arn}}/{path}"}


def allow(actions: str | list[str], resource: Any, **condition: Any) -> dict[str, Any]:
    """Return the statement that allows something, on a condition if there is one."""
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **condition}


def if_there_is_an_archive_bucket(resource: str) -> dict[str, Any]:
    """Return a resource that is there where the parameter names a bucket."""
    return {"Fn::If": ["HasArchiveBucket", {"Fn::Sub": resource}, NOTHING]}


def policy_of(kind: str, target: str, resource: str) -> list[dict[str, Any]]:
    """Return the statements of the one policy that is attached to a bucket or a queue."""
    policies = [policy["Properties"] for policy in of_type(STACK, kind).values()]
    (document,) = (p["PolicyDocument"] for p in policies if p[target] in ({"Ref": resource}, [{"Ref": resource}]))
    statements: list[dict[str, Any]] = document["Statement"]
    return statements


# --- buckets ----------------------------------------------------------------------------------------------------------


def test_there_is_a_bucket_for_images_and_one_for_results() -> None:
    assert set(BUCKETS) == {"UploadsBucket", "ResultsBucket"}


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_private_whatever_its_objects_say(name: str) -> None:
    bucket = BUCKETS[name]["Properties"]
    assert bucket["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    # No policy lets anyone in, either.
    assert {statement["Effect"] for statement in policy_of("AWS::S3::BucketPolicy", "Bucket", name)} == {"Deny"}


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_and_its_policy_outlive_the_stack(name: str) -> None:
    for resource in (BUCKETS[name], STACK["Resources"][f"{name}Policy"]):
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == (KEPT, "Retain")


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_encrypted_with_the_own_key_if_there_is_one(name: str) -> None:
    condition, own, other = BUCKETS[name]["Properties"]["BucketEncryption"]["Fn::If"]
    assert condition == "HasKey"
    (with_key,) = own["ServerSideEncryptionConfiguration"]
    assert with_key == {
        "BucketKeyEnabled": True,
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
    }
    (without,) = other["ServerSideEncryptionConfiguration"]
    assert without == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}


@pytest.mark.parametrize(
    ("name", "parameter", "overwritten_days"),
    [("UploadsBucket", "UploadsRetentionDays", 7), ("ResultsBucket", "ResultsRetentionDays", 30)],
)
def test_objects_are_versioned_and_end_after_their_days(name: str, parameter: str, overwritten_days: int) -> None:
    bucket = BUCKETS[name]["Properties"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    expire, markers = bucket["LifecycleConfiguration"]["Rules"]
    assert expire["ExpirationInDays"] == {"Ref": parameter}
    assert expire["NoncurrentVersionExpiration"] == {"NoncurrentDays": overwritten_days}
    assert expire["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    # S3 takes no rule that says both.
    assert "ExpiredObjectDeleteMarker" not in expire
    assert "ExpirationInDays" not in markers
    assert markers["ExpiredObjectDeleteMarker"] is True
    assert {expire["Status"], markers["Status"]} == {"Enabled"}


@pytest.mark.parametrize(("name", "method"), [("UploadsBucket", "POST"), ("ResultsBucket", "GET")])
def test_pages_may_use_the_links_from_the_origins_that_may_call_the_api(name: str, method: str) -> None:
    (rule,) = BUCKETS[name]["Properties"]["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedMethods"] == [method]
    assert rule["AllowedOrigins"] == {"Fn::Split": [",", {"Ref": "CorsOrigins"}]}
    assert rule["AllowedHeaders"] == ["*"]


# --- from the bucket into the queue -----------------------------------------------------------------------------------


def test_a_new_image_becomes_a_message() -> None:
    notifications = BUCKETS["UploadsBucket"]["Properties"]["NotificationConfiguration"]
    assert notifications == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    assert RULE["State"] == "ENABLED"
    assert (RULE["EventPattern"]["source"], RULE["EventPattern"]["detail-type"]) == (["aws.s3"], ["Object Created"])
    (target,) = RULE["Targets"]
    assert target["Arn"] == arn("UploadsQueue")
    assert target["DeadLetterConfig"] == {"Arn": arn("UploadsDeadLetters")}


def test_results_cannot_trigger_the_worker() -> None:
    # The rule names the one bucket,
    assert RULE["EventPattern"]["detail"] == {"bucket": {"name": [{"Ref": "UploadsBucket"}]}}
    # the other one tells nobody of its objects,
    assert "NotificationConfiguration" not in BUCKETS["ResultsBucket"]["Properties"]
    # and the worker may write into the other one alone.
    writing = [s for s in statements_of(STACK, "UploadsRole") if "s3:PutObject" in s["Action"]]
    assert writing
    assert "UploadsBucket" not in json.dumps(writing)


@pytest.mark.parametrize("name", QUEUES)
def test_only_the_rule_may_send(name: str) -> None:
    allowed = [s for s in policy_of("AWS::SQS::QueuePolicy", "Queues", name) if s["Effect"] == "Allow"]
    assert allowed == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn(name),
            "Condition": {"ArnEquals": {"aws:SourceArn": arn("UploadsRule")}},
        }
    ]


@pytest.mark.parametrize(
    ("kind", "target", "name"),
    [
        *(("AWS::S3::BucketPolicy", "Bucket", name) for name in BUCKETS),
        *(("AWS::SQS::QueuePolicy", "Queues", name) for name in QUEUES),
    ],
)
def test_nothing_goes_in_or_out_without_tls(kind: str, target: str, name: str) -> None:
    (denied,) = (s for s in policy_of(kind, target, name) if s["Effect"] == "Deny")
    assert (denied["Principal"], denied["Condition"]) == ("*", NO_TLS)
    if kind == "AWS::S3::BucketPolicy":
        assert (denied["Action"], denied["Resource"]) == ("s3:*", [arn(name), under(name, "*")])
    else:
        assert (denied["Action"], denied["Resource"]) == ("sqs:*", arn(name))


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_is_encrypted_with_a_key_that_eventbridge_may_use(name: str) -> None:
    assert QUEUES[name]["Properties"]["SqsManagedSseEnabled"] is True
    assert "KmsMasterKeyId" not in QUEUES[name]["Properties"]


# --- from the queue to the worker -------------------------------------------------------------------------------------


def test_the_worker_reads_the_queue_through_its_alias_and_names_the_messages_that_failed() -> None:
    assert READING["EventSourceArn"] == arn("UploadsQueue")
    assert READING["FunctionName"] == {"Ref": "UploadsFunctionAliaslive"}
    assert READING["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_no_more_environments_read_the_queue_than_the_parameter_says() -> None:
    assert READING["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "UploadsConcurrency"}}


def test_the_queue_hides_a_message_six_times_as_long_as_the_worker_may_take() -> None:
    assert QUEUE["VisibilityTimeout"] == 6 * properties(STACK, "UploadsFunction")["Timeout"]


def test_what_fails_five_times_is_kept_longest() -> None:
    assert QUEUE["RedrivePolicy"] == {"deadLetterTargetArn": arn("UploadsDeadLetters"), "maxReceiveCount": 5}
    # A message keeps its age when it becomes a dead letter; a fortnight is the most that SQS knows.
    assert QUEUE["MessageRetentionPeriod"] < DEAD_LETTERS["MessageRetentionPeriod"] == 14 * 24 * 3600
    # Without this it would come back to itself.
    assert "RedrivePolicy" not in DEAD_LETTERS


# --- records ----------------------------------------------------------------------------------------------------------


def test_the_table_is_as_powertools_expects_it() -> None:
    table = properties(STACK, "UploadsRecords")
    defaults = inspect.signature(DynamoDBPersistenceLayer).parameters
    key = defaults["key_attr"].default
    assert table["KeySchema"] == [{"AttributeName": key, "KeyType": "HASH"}]
    assert table["AttributeDefinitions"] == [{"AttributeName": key, "AttributeType": "S"}]
    assert table["TimeToLiveSpecification"] == {"AttributeName": defaults["expiry_attr"].default, "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_the_records_outlive_the_messages() -> None:
    # In the queue, among the dead letters, and in the queue again.
    assert 2 * QUEUE["MessageRetentionPeriod"] + DEAD_LETTERS["MessageRetentionPeriod"] < RETENTION_SECONDS


def test_the_records_are_encrypted_with_the_own_key_if_there_is_one() -> None:
    encryption = properties(STACK, "UploadsRecords")["SSESpecification"]
    own = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}
    assert encryption == {"Fn::If": ["HasKey", own, NOTHING]}


def test_the_records_go_with_the_stack() -> None:
    assert STACK["Resources"]["UploadsRecords"]["DeletionPolicy"] == "Delete"


# --- rights -----------------------------------------------------------------------------------------------------------

WRITES_WITH_OWN_KEY = allow("kms:GenerateDataKey", KEY)


def test_the_worker_may_do_no_more_than_it_does() -> None:
    assert statements_of(STACK, "UploadsRole")[3:] == [
        WRITES_WITH_OWN_KEY,
        allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], arn("UploadsQueue")),
        allow(
            "s3:GetObject",
            [under("UploadsBucket", "*"), if_there_is_an_archive_bucket(f"{ARCHIVE_BUCKET}/*")],
        ),
        allow("s3:ListBucket", [arn("UploadsBucket"), if_there_is_an_archive_bucket(ARCHIVE_BUCKET)]),
        allow(
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            [
                under("ResultsBucket", "results/*"),
                if_there_is_an_archive_bucket("${ResultsBucket.Arn}/buckets/${ArchiveBucket}/*"),
            ],
        ),
        allow("s3:PutObject", under("ResultsBucket", "archives/*")),
        allow("s3:ListBucket", arn("ResultsBucket")),
        allow(
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
            arn("UploadsRecords"),
        ),
        allow(
            "events:PutEvents",
            {"Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default"},
            # Of the source that the worker names, and of no other.
            Condition={"ForAllValues:StringEquals": {"events:source": SOURCE}, "Null": {"events:source": "false"}},
        ),
    ]


def test_results_lie_where_the_worker_may_write() -> None:
    assert prefix_of(Upload("uploads", "a.png"), "uploads") == "results/a.png"
    assert prefix_of(Upload("other", "a.png"), "uploads") == "buckets/other/a.png"


def test_a_link_reaches_what_came_by_link_and_nothing_else() -> None:
    assert PREFIX == "api"
    assert statements_of(STACK, "UploadLinksRole")[3:] == [
        WRITES_WITH_OWN_KEY,
        allow(["s3:GetObject", "s3:PutObject"], under("UploadsBucket", f"{PREFIX}/*")),
        allow("s3:GetObject", under("ResultsBucket", f"results/{PREFIX}/*")),
        allow("s3:ListBucket", [arn("UploadsBucket"), arn("ResultsBucket")]),
    ]


def test_a_role_that_writes_with_the_own_key_does_so_only_where_there_is_one() -> None:
    for role in ("UploadsRole", "UploadLinksRole", "ArchiveSummaryRole", "ArchiveRole"):
        policies = properties(STACK, role)["Policies"]
        conditional = [policy["Fn::If"] for policy in policies if "Fn::If" in policy]
        assert [(condition, other) for condition, _, other in conditional] == [("HasKey", NOTHING)] * 2
        actions = [policy["PolicyDocument"]["Statement"][0]["Action"] for _, policy, _ in conditional]
        assert actions == ["kms:Decrypt", "kms:GenerateDataKey"]


# --- what they are told -----------------------------------------------------------------------------------------------


def test_functions_are_told_of_the_buckets_and_the_table_by_names_that_the_application_knows() -> None:
    told = {}
    for name, function in FUNCTIONS.items():
        variables = function["Properties"]["Environment"]["Variables"]
        # A parameter counts by its default, a resource by its name.
        names = {key: value.get("Ref", "") if isinstance(value, dict) else value for key, value in variables.items()}
        texts = {key: str(STACK["Parameters"].get(name, {"Default": name})["Default"]) for key, name in names.items()}
        settings = Settings.from_environment(texts)
        told[name] = settings.uploads_bucket, settings.results_bucket, settings.records_table
    assert told == dict.fromkeys(FUNCTIONS, ("", "", "")) | {
        "UploadsFunction": ("UploadsBucket", "ResultsBucket", "UploadsRecords"),
        "UploadLinksFunction": ("UploadsBucket", "ResultsBucket", ""),
        "ArchiveSummaryFunction": ("", "ResultsBucket", ""),
    }


def test_the_page_may_send_to_the_buckets_by_the_names_that_their_links_have_and_to_nothing_else() -> None:
    told = {
        name: variables["THYROID_PAGE_ORIGINS"]["Fn::Sub"]
        for name, function in FUNCTIONS.items()
        if "THYROID_PAGE_ORIGINS" in (variables := function["Properties"]["Environment"]["Variables"])
    }
    assert list(told) == ["SiteFunction"]
    text, names = told["SiteFunction"]
    for name, value in names.items():
        text = text.replace(f"${{{name}}}", value["Fn::Sub"])
    assert Settings.from_environment({"THYROID_PAGE_ORIGINS": text}).page_origins == tuple(
        f"https://${{{bucket}}}.{host}.${{AWS::URLSuffix}}"
        for host in ("s3.${AWS::Region}", "s3")
        for bucket in ("UploadsBucket", "ResultsBucket")
    )


def test_the_outputs_lead_to_buckets_and_queues() -> None:
    values = {name: output["Value"] for name, output in STACK["Outputs"].items()}
    assert values["UploadsBucket"] == {"Ref": "UploadsBucket"}
    assert values["ResultsBucket"] == {"Ref": "ResultsBucket"}
    assert values["UploadsQueueUrl"] == {"Ref": "UploadsQueue"}
    assert values["DeadLettersUrl"] == {"Ref": "UploadsDeadLetters"}
    assert values["ArchiveArn"] == {"Ref": "Archive"}
