"""First in, first out: jobs start in the order in which their input arrived."""

from redwood.simulation import contract


class Policy(contract.QueueOrder):
    """All keys are equal, so that the first come is first."""
