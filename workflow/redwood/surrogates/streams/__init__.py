"""Tables as streams of events: what the models share that see rows in their order."""
