"""Sequoia: every row of a stream drawn anew, given the rows around it."""
