"""REDWOOD: from the job records of a computing grid to synthetic workloads and simulations."""

__version__ = "0.1.0"
