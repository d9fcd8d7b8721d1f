"""The models. Each is one folder here; being here registers it under the folder's name."""
