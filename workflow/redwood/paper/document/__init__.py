"""The paper of a run: its tables and figures in one PDF, for whoever reviews it."""
