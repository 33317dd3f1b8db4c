"""From a worker's processor time to images an hour, dollars a million, and what limits first.

Prices and formulas are :mod:`benchmarks.cost`'s. Quotas are those of a new account, read in 2026 on the services'
pages.
"""

from dataclasses import replace

from benchmarks import bill

# Images a second that each bears before it has to be asked for more, or has had time to grow by itself.
LIMITS = {
    "S3: 3,500 PUT a second and prefix, three an image": 3500 / 3,
    "DynamoDB: 4,000 writes a second of a new table, two an image": 4000 / 2,
    "EventBridge: 2,400 PutEvents a second, the least of the larger regions": 2400.0,
}


def growth(processor_seconds: float) -> list[str]:
    """Return the lines of the table."""
    measured = bill.archive_costs(bill.measured(), bill.the_stack())
    costs = replace(measured, processor_seconds=processor_seconds)
    each = costs.rate()
    services = ", ".join(f"{what} ${dollars:.2f}" for what, dollars in costs.services().items())
    lines = [
        f"at 100 ms a call of S3: {each:.1f} images a second and worker; at none, {1 / processor_seconds:.0f}",
        f"a million images: ${costs.together():.2f} = Lambda ${costs.function():.2f}, {services}",
        f"Lambda where they come one at a time: ${costs.function_one_by_one():.2f}",
    ]
    for workers in (10, 100, 1000):
        second = each * workers
        reached = [what for what, bound in sorted(LIMITS.items(), key=lambda limit: limit[1]) if second > bound]
        lines.append(
            f"{workers} at a time: {3600 * second:,.0f} images an hour; over: {'; '.join(reached) or 'nothing'}"
        )
    return lines
