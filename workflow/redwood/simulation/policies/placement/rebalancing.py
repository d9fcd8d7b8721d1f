"""Rebalancing: replicas move from busy sites to idle ones, so that work can follow them."""

from collections.abc import Iterable

from redwood.simulation import contract

_MOST_MOVES = 50
_APART = 0.25


class Policy(contract.Placement):
    """Every six hours: what was read at the most loaded sites is also put at the least loaded ones.

    Only between sites whose loads are more than a quarter of their cores apart. The old replica
    goes where it would be the third or more.
    """

    period_s = 21_600.0

    def place(self, grid: contract.Grid) -> Iterable[contract.Copy | contract.Removal]:
        able = [site for site in grid if site.up and site.cores > 0]
        ranked = sorted(able, key=lambda site: (site.load, site.index))
        popular = sorted(grid.reads().items(), key=lambda entry: (-entry[1], entry[0]))
        moves = 0
        for dataset, _ in popular:
            holders = grid.holders(dataset)
            busiest = max(holders, key=lambda s: (s.load if s.cores else 0.0, s.index))
            idle = next((site for site in ranked if site not in holders), None)
            if idle is None or busiest.cores == 0 or busiest.load - idle.load < _APART:
                continue
            yield contract.Copy(dataset, idle)
            if len(holders) > 2:
                yield contract.Removal(dataset, busiest)
            ranked.append(ranked.pop(ranked.index(idle)))
            moves += 1
            if moves == _MOST_MOVES:
                return
