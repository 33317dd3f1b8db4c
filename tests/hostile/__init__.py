"""Images made to break the service, by code alone: the same files each time, and none of them anybody's."""
