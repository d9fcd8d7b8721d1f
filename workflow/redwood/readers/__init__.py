"""Raw dumps → chunks of text cells, whatever the format."""
