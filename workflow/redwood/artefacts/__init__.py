"""What a run has made, where it came from, and whether it is still the same."""
