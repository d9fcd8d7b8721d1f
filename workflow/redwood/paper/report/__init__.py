"""The report: one page that tells a run as a story, from the data to the decision on policies."""
