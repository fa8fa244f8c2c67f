"""Each calculation of the core as one question and one answer, for `basalt calc` and for tests."""
