"""The documentation site: ``make docs`` builds it into build/docs, and every warning is an error.

Sphinx, because the Python reference is made from docstrings and links are checked; MyST, because the pages are
Markdown that also reads well without a build.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_extensions"), str(HERE.parent)]

from wch_peewee import __version__  # noqa: E402

project = "wch_peewee"
author = "wch_peewee contributors"
copyright = author
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "code_reference"]
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
#: ``console`` blocks show commands with a "$" and their output; they are highlighted as such.
highlight_language = "text"

smartquotes = False

html_theme = "furo"
html_title = f"wch_peewee {release}"
html_copy_source = False
html_show_sphinx = False

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
# The site needs no network: every link outside is checked by `make linkcheck` alone.
linkcheck_anchors = False
