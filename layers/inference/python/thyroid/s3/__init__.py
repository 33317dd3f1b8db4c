"""Pictures that come in a bucket: from a message of the queue to results in another. It knows AWS, but no HTTP."""
