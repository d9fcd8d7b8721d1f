"""Evaluation: how faithful synthetic rows are, and how close to the rows they were learned from."""
