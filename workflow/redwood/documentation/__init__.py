"""The documentation as a site: the pages of `docs/` and those that are made from the source.

Links of `docs/index.md` say which page stands where. The definitions of the measures, the
reference and the tutorial are made when the site is, from what the source and the notebook say.
"""
