"""Sphinx configuration; builds and is read without a network."""

import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils import math
from docutils.utils.math import latex2mathml
from sphinx.util import logging

import subsetopt

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

project = "subsetopt"
author = "the subsetopt authors"
copyright = author  # noqa: A001 (the name that Sphinx reads)
release = version = subsetopt.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "scripts", "examples", "tutorials/index.rst"]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_param = False  # names that share a description stay together
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings say it in fewer words
python_use_unqualified_type_names = True
default_role = "code"
nitpicky = False
smartquotes = False  # two hyphens begin an option
html_theme = "furo"
html_title = f"subsetopt {release}"
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_math_renderer = "mathml"
sphinx_gallery_conf = {
    "examples_dirs": "examples",  # each a page with its pictures, a script and a notebook
    "gallery_dirs": "tutorials",
    "filename_pattern": r"\.py$",
    "ignore_repr_types": r"matplotlib",
    "image_scrapers": ("matplotlib", "tutorial_figures.scrape"),
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "plot_gallery": "True",
    "log_level": {"backreference_missing": "info"},
}


def inline_formula(writer: Any, node: nodes.math) -> None:
    """Write a formula as MathML, which browsers draw by themselves."""
    _formula(writer, node, block=False)


def displayed_formula(writer: Any, node: nodes.math_block) -> None:
    """Write a formula on lines of its own."""
    _formula(writer, node, block=True)


def _formula(writer: Any, node: nodes.Element, *, block: bool) -> None:
    tex = node.astext()
    try:
        writer.body.append(latex2mathml.tex2mathml(tex, as_block=block))
    except math.MathError as error:
        logging.getLogger(__name__).warning("formula %r: %s", tex, error, location=node)
        writer.body.append(writer.encode(tex))
    raise nodes.SkipNode


def dashes(app: Any, doctree: nodes.document) -> None:
    """Make dashes of what Sphinx puts between a name and its description."""
    for text in list(doctree.findall(nodes.Text)):
        if text.astext().startswith((" -- ", ") -- ")):
            text.parent.replace(text, nodes.Text(text.astext().replace(" -- ", " \u2013 ", 1)))


def setup(app: Any) -> None:
    """Draw formulas without scripts or fonts from elsewhere."""
    app.connect("doctree-read", dashes)
    app.add_html_math_renderer("mathml", (inline_formula, None), (displayed_formula, None))
