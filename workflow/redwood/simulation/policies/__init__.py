"""The policies, by what they decide. Each is one module; being here registers it by its name."""
