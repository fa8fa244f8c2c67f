"""The decider of glucose_ingest: which readings count, which alerts stand."""
