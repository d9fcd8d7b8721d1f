"""What the engine does beside what policies decide."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """What the engine does beside what policies decide; times in s.

    Attributes:
        failures: `drawn` at the environment's rates, as `recorded`, or `none`.
        attempts: of a job before it is failed.
        retry_delay_s: from a failed attempt to the next brokerage.
        transfer_attempts: transfers of an input or output before the attempt fails.
        transfer_delay_s: from a failed transfer to the next.
        pending_s: between two offers of a job that gets no site.
        give_up_s: from its submission to its end as unbrokered.
        drain_s: from the last submission to the end of the simulation at the latest.
        outputs: `site`: stored where the job ran; `tier1`: at the Tier-0 or Tier-1 of its kind.
        time_step: see `network.Network`.
        tcp_gamma: see `network.Network`.
    """

    failures: str = "drawn"
    attempts: int = 3
    retry_delay_s: float = 600.0
    transfer_attempts: int = 3
    transfer_delay_s: float = 60.0
    pending_s: float = 1200.0
    give_up_s: float = 172_800.0
    drain_s: float = 7_776_000.0
    outputs: str = "site"
    time_step: float = 1.0
    tcp_gamma: float = 0.0
