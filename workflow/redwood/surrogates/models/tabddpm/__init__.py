"""TabDDPM, a diffusion model of table rows."""
