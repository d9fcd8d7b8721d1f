"""The models. Each is one module here; being here registers it under its module's name."""
