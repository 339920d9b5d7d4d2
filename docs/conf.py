"""Sphinx configuration; builds without a network."""

import subsetopt

project = "subsetopt"
author = "the subsetopt authors"
copyright = author  # noqa: A001 (the name that Sphinx reads)
release = version = subsetopt.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_build", "scripts"]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
default_role = "code"
nitpicky = False
smartquotes = False  # two hyphens begin an option
html_theme = "furo"
html_title = f"subsetopt {release}"
html_show_sphinx = False
