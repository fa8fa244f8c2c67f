"""Start, status, stores, vocabulary, files of readings, calculations."""
