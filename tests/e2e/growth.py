"""From a worker's processor time to pictures an hour, dollars a million, and what limits first.

Prices of us-east-1 and quotas of a new account, without the free tier (the services' pricing and quota pages, read in
2026). What calls of AWS take is not measured here; it is AWS's own figure for S3 (Amazon S3 user guide, "Performance
guidelines": 100 to 200 ms for small objects), and an assumption for the others.
"""

from benchmarks.cost import GB_SECOND, REQUEST
from functions.uploads import THREADS
from tests.e2e.test_cost import LOG_GB

MEMORY_GB = 1769 / 1024
BATCH = 20

# Calls that a picture of an archive makes one after the other: three times HEAD, GET, three times PUT, HEAD; two of
# DynamoDB; one of EventBridge. One that is told of by a message makes a HEAD less.
S3_CALLS, OTHER_CALLS = 8, 3
S3_SECONDS, OTHER_SECONDS = 0.1, 0.02

# Dollars a million, of which each picture has one or more.
PUTS, GETS, WRITES, EVENTS = 5.00, 0.40, 0.625, 1.00
LOG_BYTES = 2300
PER_MILLION = {
    "S3, three PUT, a GET and four HEAD": 3 * PUTS + 5 * GETS,
    "DynamoDB, two writes": 2 * WRITES,
    "EventBridge, a notification": EVENTS,
    "log": LOG_BYTES * 1e6 / 2**30 * LOG_GB,
}

# Pictures a second that each bears before it has to be asked for more, or has had time to grow by itself.
LIMITS = {
    "S3: 3,500 PUT a second and prefix, three a picture": 3500 / 3,
    "DynamoDB: 4,000 writes a second of a new table, two a picture": 4000 / 2,
    "EventBridge: 2,400 PutEvents a second, the least of the larger regions": 2400.0,
}


def seconds(processor_seconds: float) -> float:
    """Return how long one picture of an archive takes, most of it waiting."""
    return S3_CALLS * S3_SECONDS + OTHER_CALLS * OTHER_SECONDS + processor_seconds


def rate(processor_seconds: float) -> float:
    """Return how many pictures a second one worker does: what its processor bears, or what its threads wait for."""
    return min(1 / processor_seconds, THREADS / seconds(processor_seconds))


def growth(processor_seconds: float) -> list[str]:
    """Return the lines of the table."""
    each, alone = rate(processor_seconds), seconds(processor_seconds) - S3_SECONDS
    function = 1e6 * (MEMORY_GB * GB_SECOND / each + REQUEST / BATCH)
    total = function + sum(PER_MILLION.values())
    shares = ", ".join(f"{what} ${dollars:.2f}" for what, dollars in PER_MILLION.items())
    lines = [
        f"at 100 ms a call of S3: {each:.1f} pictures a second and worker; at none, {1 / processor_seconds:.0f}",
        f"a million pictures: ${total:.2f} = Lambda ${function:.2f}, {shares}",
        f"Lambda where they come one at a time: ${1e6 * (MEMORY_GB * GB_SECOND * alone + REQUEST):.2f}",
    ]
    for workers in (10, 100, 1000):
        second = each * workers
        reached = [what for what, bound in sorted(LIMITS.items(), key=lambda limit: limit[1]) if second > bound]
        lines.append(
            f"{workers} at a time: {3600 * second:,.0f} pictures an hour; over: {'; '.join(reached) or 'nothing'}"
        )
    return lines
