"""Sphinx reads this file."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from tables import write_pages  # noqa: E402 - it lies beside this file

write_pages(HERE / "generated")

project = "emonet-bench"
author = "The emonet-bench founders"
release = metadata.version("emonet-bench")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "generated"]
html_theme = "furo"
html_title = f"emonet-bench {release}"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
python_use_unqualified_type_names = True
