"""The vocabulary as JSON Schema and AsyncAPI."""
