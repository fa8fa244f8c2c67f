"""The record verified, archived, redacted."""
