"""Surrogates: generative models of a table."""
