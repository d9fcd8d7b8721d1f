"""Simulation: the grid in SimGrid, driven by recorded or synthetic jobs."""
