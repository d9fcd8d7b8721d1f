"""Grove, REDWOOD's surrogate of populations: new users, new tasks, new bursts."""
