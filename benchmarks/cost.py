"""What AWS charges for the service: prices, assumptions and formulas. No other module has a price.

Prices are those of us-east-1 as known in December 2026, each under the address of its page, without the free tiers
unless a comment says otherwise. Measurements are in ``docs/cost.json``. The stack's resources are read from the
template (:mod:`benchmarks.bill`).
"""

from dataclasses import dataclass
from math import ceil

MILLION = 1e6
GB = 2**30  # bytes
HOURS = 730  # of a month, as AWS's price calculator has it
SECONDS = 3600 * HOURS

# --- prices, dollars --------------------------------------------------------------------------------------------------

# aws.amazon.com/lambda/pricing: x86_64, first tier
GB_SECOND = 0.0000166667
REQUEST = 0.20 / MILLION
PROVISIONED_GB_SECOND = 0.0000041667  # of an environment that is kept started, called or not
SNAPSHOT_GB_SECOND = 0.0000015046  # of a version's snapshot
RESTORED_GB = 0.0001397998  # of an environment that begins with a snapshot

# aws.amazon.com/api-gateway/pricing: REST API, first 333 million a month
API_REQUEST = 3.50 / MILLION

# aws.amazon.com/cloudwatch/pricing: first tiers
LOG_GB = 0.50  # ingested
METRIC = 0.30  # a month
ALARM = 0.10  # a month and metric that it looks at, those of its formula among them
DASHBOARD = 3.00  # a month

# aws.amazon.com/ec2/pricing/on-demand: out to the internet, first 10 TB a month
TRANSFER_GB = 0.09

# aws.amazon.com/xray/pricing
TRACE = 5.00 / MILLION  # recorded
FREE_TRACES = 100_000  # a month, in every month

# aws.amazon.com/ecr/pricing
IMAGE_GB = 0.10  # a month

# aws.amazon.com/s3/pricing: Standard
PUT = 5.00 / MILLION
GET = 0.40 / MILLION  # and HEAD
STORED_GB = 0.023  # a month

# aws.amazon.com/dynamodb/pricing/on-demand: a write of 1 KB at most
WRITE = 0.625 / MILLION

# aws.amazon.com/eventbridge/pricing: 64 KB at most; custom events, and those of S3, which are "opt-in data events"
EVENT = 1.00 / MILLION

# aws.amazon.com/sqs/pricing: standard queue
QUEUE_REQUEST = 0.40 / MILLION

# aws.amazon.com/step-functions/pricing
TRANSITION = 0.025 / 1000  # of a standard workflow
EXPRESS_REQUEST = 1.00 / MILLION
EXPRESS_GB_SECOND = 0.00001667  # of each 100 ms and 64 MB that are begun

# aws.amazon.com/waf/pricing
WEB_ACL = 5.00  # a month
FIREWALL_RULE = 1.00  # a month; a group of AWS's own counts as one
FIREWALL_REQUEST = 0.60 / MILLION

# --- assumptions ------------------------------------------------------------------------------------------------------

# Per request, besides the function's own lines: the gateway's line, and Lambda's lines about its start and its end.
OTHER_LOG_BYTES = 860

# Lambda traces so many requests per second, and this share of the others (AWS Lambda's guide, "Visualize invocations").
TRACES_PER_SECOND, TRACED_ABOVE = 1, 0.05

# Lambda polls even an empty queue with so many pollers, each of which waits so many seconds for a message (AWS
# Lambda's guide, "Configuring scaling behavior for SQS"; the longest wait that SQS has).
QUEUE_POLLERS, QUEUE_WAIT_SECONDS = 5, 20.0

# Calls for an image of an archive, one after the other: three times HEAD, GET, three times PUT, HEAD; two of
# DynamoDB; one of EventBridge. An image that comes by a message needs one HEAD less. The durations are AWS's own figure
# for S3 (Amazon S3 user guide, "Performance guidelines": 100 to 200 ms for small objects), and a guess for the others.
PUTS, GETS, WRITES, EVENTS = 3, 5, 2, 1
S3_SECONDS, OTHER_SECONDS = 0.1, 0.02

# Images that a worker transfers at the same time (functions/s3_worker.py).
THREADS = 10

# Memory of a batch's own execution, GB: a definition of one state and twenty keys fit into the minimum that is billed.
EXPRESS_GB = 64 / 1024


# --- a request --------------------------------------------------------------------------------------------------------


def dollars_per_million(milliseconds: float, memory_mb: int) -> float:
    """Return what Lambda charges for a million calls: requests, and time rounded up to a millisecond times memory."""
    return MILLION * (REQUEST + ceil(milliseconds) / 1000 * memory_mb / 1024 * GB_SECOND)


def logs(written: float) -> float:
    """Return what CloudWatch charges for a million log entries of so many bytes."""
    return MILLION * written / GB * LOG_GB


def transfer(sent: float) -> float:
    """Return what a million responses of so many bytes cost to send to the internet."""
    return MILLION * sent / GB * TRANSFER_GB


def traced(requests: float) -> float:
    """Return how many requests of a month are traced, if they come evenly."""
    bound = TRACES_PER_SECOND * SECONDS
    return min(requests, bound) + TRACED_ABOVE * max(0.0, requests - bound)


def traces(requests: float) -> float:
    """Return what X-Ray charges for the traces of a month, without the free ones."""
    return max(0.0, traced(requests) - FREE_TRACES) * TRACE


# --- a month ----------------------------------------------------------------------------------------------------------


def provisioned(environments: int, memory_mb: int) -> float:
    """Return what so many environments cost that are kept started for a month."""
    return environments * memory_mb / 1024 * SECONDS * PROVISIONED_GB_SECOND


def snapshots(versions: int, memory_mb: int) -> float:
    """Return what the snapshots of so many versions cost a month, restored or not."""
    return versions * memory_mb / 1024 * SECONDS * SNAPSHOT_GB_SECOND


def restores(times: float, memory_mb: int) -> float:
    """Return what so many starts from a snapshot cost."""
    return times * memory_mb / 1024 * RESTORED_GB


def polls_per_month() -> float:
    """Return how many times per month the pollers of an empty queue poll."""
    return QUEUE_POLLERS * SECONDS / QUEUE_WAIT_SECONDS


def firewall(rules: int) -> float:
    """Return what a firewall with so many rules costs a month."""
    return WEB_ACL + rules * FIREWALL_RULE


# --- an image of a bucket ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ArchiveCosts:
    """The costs of a million images of a bucket, analysed by workers.

    Attributes
    ----------
    processor_seconds : float
        Processor time of an image, measured.
    log_bytes, result_bytes : int
        Bytes per image in the log, and in the results bucket.
    memory_mb : int
        Of a worker.
    batch : int
        Images that a worker gets in a batch.
    """

    processor_seconds: float
    log_bytes: int
    result_bytes: int
    memory_mb: int
    batch: int

    def seconds(self) -> float:
        """Return the seconds that an image of an archive takes, most of it waiting."""
        return (PUTS + GETS) * S3_SECONDS + (WRITES + EVENTS) * OTHER_SECONDS + self.processor_seconds

    def rate(self) -> float:
        """Return the images per second of a worker, limited by its processor or by the waiting of its threads."""
        return min(1 / self.processor_seconds, THREADS / self.seconds())

    def function(self) -> float:
        """Return what Lambda charges for a million in full batches."""
        return MILLION * (self.memory_mb / 1024 * GB_SECOND / self.rate() + REQUEST / self.batch)

    def function_one_by_one(self) -> float:
        """Return what Lambda charges for a million that come one at a time, each by a message."""
        return MILLION * (self.memory_mb / 1024 * GB_SECOND * (self.seconds() - S3_SECONDS) + REQUEST)

    def services(self) -> dict[str, float]:
        """Return what the other services charge for a million, by name."""
        return {
            "S3: three PUT, a GET, four HEAD": MILLION * (PUTS * PUT + GETS * GET),
            "DynamoDB, two writes on demand": MILLION * WRITES * WRITE,
            "log": logs(self.log_bytes),
            "EventBridge, the notification": MILLION * EVENTS * EVENT,
        }

    def together(self) -> float:
        """Return what a million in full batches cost."""
        return self.function() + sum(self.services().values())

    def together_one_by_one(self) -> float:
        """Return the cost of a million that come one at a time, each with one HEAD less."""
        return self.function_one_by_one() + sum(self.services().values()) - MILLION * GET

    def stored(self) -> float:
        """Return what storing the results of a million costs per month."""
        return MILLION * self.result_bytes / GB * STORED_GB

    def map_transitions(self) -> float:
        """Return what the map costs for a million: a transition for each child that it starts.

        Step Functions' guide, "Transitions": a map in distributed mode is charged one state transition for each
        execution of a child. Those of the run itself are seven, whatever its size, and left out.
        """
        return MILLION / self.batch * TRANSITION

    def map_children(self) -> float:
        """Return what the children of the map cost for a million: express workflows, by request, time and memory."""
        billed = ceil(10 * self.batch / self.rate()) / 10
        return MILLION / self.batch * (EXPRESS_REQUEST + billed * EXPRESS_GB * EXPRESS_GB_SECOND)


def queue(batch: int) -> float:
    """Return what SQS charges for a million messages: each sent by itself, received and deleted in full batches."""
    return MILLION * (1 + 2 / batch) * QUEUE_REQUEST
