"""Policies of brokerage. Each is one module here; being here registers it under its name."""
