"""What a crash or a wrong clock has left behind, put right before a run."""
