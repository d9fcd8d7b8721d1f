"""What Sphinx is told of the site."""

project = "REDWOOD"
html_title = "REDWOOD"
html_theme = "furo"
html_static_path = ["."]
html_css_files = ["site.css"]
html_show_copyright = html_show_sphinx = html_show_sourcelink = html_copy_source = False
# Excerpts of the pages found are fetched, which browsers refuse for files.
html_show_search_summary = False
html_math_renderer = "mathml"
extensions = [
    "myst_parser",
    "redwood.documentation.mathml",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
myst_enable_extensions = ["dollarmath"]
# Headings have the anchors that they have on GitHub.
myst_heading_anchors = 4
# Docstrings have names in single backticks.
default_role = "code"
autodoc_typehints = "description"
# What a class holds is told once, under its attributes.
autodoc_typehints_description_target = "documented_params"
toc_object_entries = False
autodoc_member_order = "bysource"
napoleon_use_ivar = True
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
