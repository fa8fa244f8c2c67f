"""Settings and answers as files."""
