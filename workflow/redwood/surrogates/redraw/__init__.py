"""Redrawing: each row of a stream of events drawn anew, given the rows around it.

The parts of the model `sequoia`, whose module explains how they fit together.
"""
