"""No placement: datasets stay where they are, and every job fetches its own input."""

from redwood.simulation import contract


class Policy(contract.Placement):
    """Nothing is copied, nothing kept."""
