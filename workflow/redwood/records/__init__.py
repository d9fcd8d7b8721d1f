"""Records: from raw dumps to a clean, split job table."""
