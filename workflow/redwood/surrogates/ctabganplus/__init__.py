"""The parts of CTAB-GAN+: its encoding of rows, conditions, networks, losses and privacy."""
