"""The Hypothesis profiles; no deadline in either, because machines are noisy."""

from hypothesis import settings

settings.register_profile("default", max_examples=100, deadline=None)
settings.register_profile("nightly", max_examples=5_000, deadline=None)
settings.load_profile("default")
