"""Learning brokerages: the simulation as a Gymnasium environment, what it observes and rewards."""
