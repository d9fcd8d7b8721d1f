"""Paper: the tables and figures of a run."""
