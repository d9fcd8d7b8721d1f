"""The data card: one page by which a person decides whether a table is usable."""
