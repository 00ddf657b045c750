"""Sphinx's settings for the web book (`make book`).

The source folder is the repository itself, so that a link from one file to another works in the book as it does in
the repository. Nothing is executed: chapters show the outputs that are stored with them.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

# Where the course is published, such as https://github.com/OWNER/NAME. With an address every chapter gets buttons to
# its source and to Binder; empty, there are none.
repository_url = ""

project = "Cross-Entropy from First Principles"
author = "The maintainers of Cross-Entropy from First Principles"
root_doc = "book/index"
include_patterns = ["book/**", "notebooks/*.ipynb"]
exclude_patterns = ["book/_*", "book/slides/*", "**/.ipynb_checkpoints"]
templates_path = ["_templates"]
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinxcontrib.bibtex",
    "course",
]

nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# MathJax lies beside the pages (course.py copies it there); nothing is fetched from elsewhere.
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {"chtml": {"matchFontHeight": False, "scale": 1.1}}  # the same size whatever the reader's fonts

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "unsrt"

autodoc_member_order = "bysource"
autodoc_default_options = {"exclude-members": "set"}  # matplotlib makes it for each of its classes
autodoc_inherit_docstrings = False  # another library's text, with links into its own pages
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
add_module_names = False
napoleon_use_rtype = False
napoleon_preprocess_types = False
# Names of other libraries: their documentation is not linked, because a build needs no network.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!xent_helpers\.)\w+\..*"),
    (r"py:class", r"dict\[str"),  # a dataclass's default `<factory>` is no Python, so its signature is cut at commas
]

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_js_files = ["course.js"]
html_additional_pages = {"index": "redirect.html"}
html_copy_source = False
html_show_sourcelink = False
html_context = {"default_mode": "light"}
html_theme_options = {
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "navigation_with_keys": False,
    "navbar_persistent": [],
    "footer_content_items": [],
}
if repository_url:
    html_theme_options |= {
        "repository_url": repository_url,
        "use_repository_button": True,
        "launch_buttons": {"binderhub_url": "https://mybinder.org", "notebook_interface": "jupyterlab"},
    }
