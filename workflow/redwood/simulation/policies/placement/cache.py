"""Cache only: what a job fetches stays at its site; the least recently read makes room."""

from redwood.simulation import contract


class Policy(contract.Placement):
    """Inputs that are moved are kept (LRU)."""

    keeps_inputs = True
