"""Synthetic raw dumps: campaign → task → job → attempt, written as PanDA would."""
