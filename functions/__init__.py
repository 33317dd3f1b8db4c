"""The functions: one small module an endpoint. Each parses, makes one call of the service, and answers."""
