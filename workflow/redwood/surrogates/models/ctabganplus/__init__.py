"""CTAB-GAN+, a conditional generative adversarial network of table rows."""
