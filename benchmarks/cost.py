"""What AWS asks for calls. Prices of us-east-1, without the free tier (aws.amazon.com/lambda/pricing)."""

GB_SECOND = 0.0000166667  # Lambda, x86_64, first tier
REQUEST = 0.20 / 1e6  # Lambda


def dollars_per_million(milliseconds: float, memory_mb: int) -> float:
    """Return what Lambda asks for a million calls: requests, and time rounded up to a millisecond times memory."""
    billed = -(-milliseconds // 1) / 1000
    return 1e6 * (REQUEST + billed * memory_mb / 1024 * GB_SECOND)
