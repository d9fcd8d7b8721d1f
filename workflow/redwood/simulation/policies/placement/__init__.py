"""Policies of placement. Each is one module here; being here registers it under its name."""
