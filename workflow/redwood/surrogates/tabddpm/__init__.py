"""The parts of the model tabddpm: noise and its reversal, the network, quantiles."""
