"""Sequoia: every row of a stream redrawn, given the rows around it."""
