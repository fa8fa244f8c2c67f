"""Sphinx: the documents as a site; `make docs` builds it, and a broken reference fails."""

from importlib.metadata import version as installed

project = "Basalt"
copyright = "the Basalt maintainers; not a medical device"
release = version = installed("basalt")
extensions = ["myst_parser", "sphinxcontrib.mermaid"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Basalt {release}"
myst_enable_extensions = ["colon_fence"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 4
