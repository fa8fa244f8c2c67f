"""The Hypothesis profiles; no deadline in either, because machines are noisy."""

import sys

from hypothesis import Phase, settings

settings.register_profile("default", max_examples=100, deadline=None)
settings.register_profile("nightly", max_examples=5_000, deadline=None)
# Whoever makes mutants asks whether one is noticed, not by what smallest example.
settings.register_profile(
    "mutants",
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("default")


def pytest_sessionstart() -> None:
    """Begin with cold caches: mutation testing forks a process that has run everything before."""
    for name, module in list(sys.modules.items()):
        for value in list(vars(module).values()) if name.startswith("core.") else ():
            if hasattr(value, "cache_clear"):
                value.cache_clear()
