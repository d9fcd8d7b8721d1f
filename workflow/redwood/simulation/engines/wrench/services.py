"""The services of all sites in WRENCH, its clock, and the compound jobs that are given to them."""

from collections.abc import Collection, Sequence
from typing import Any

from redwood.simulation.engines.wrench.daemon import Daemon
from redwood.simulation.engines.wrench.platform import SPEED, nodes, storage, units

# What compound jobs do, by the letters that their names begin with, in order.
_PHASES = "rcw"
# WRENCH's clock is this close to where it was told to go, s.
_ROUNDING = 1e-6


class Services:
    """A compute and a storage service a site; each compound job has one action of its name.

    Args:
        daemon: a simulation that has begun.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon, self._clock = daemon, 0.0
        self._storage: list[str] = []
        self._compute: list[str] = []

    @property
    def calls(self) -> int:
        """How often the daemon was called."""
        return self._daemon.calls

    def begin(
        self, cores: Sequence[int], holders: Sequence[Collection[int]], sizes: Sequence[float]
    ) -> None:
        """Start the services, and lay the datasets where they are.

        Args:
            cores: of each site.
            holders: for each dataset the sites that hold it.
            sizes: for each dataset its bytes.
        """
        post = self._daemon.post
        for site, number in enumerate(cores):
            service = post("/addSimpleStorageService", head_host=storage(site), mount_points=["/"])
            self._storage.append(service["service_name"])
            service = post(
                "/addBareMetalComputeService",
                head_host=nodes(site),
                resources=f'{{"{nodes(site)}": [{max(number, 1)}, 0]}}',
                scratch_space="",
                property_list="{}",
                message_payload_list="{}",
            )
            self._compute.append(service["service_name"])
        for dataset, (held_at, size) in enumerate(zip(holders, sizes, strict=True)):
            if size:
                post("/addFile", name=f"d{dataset}", size=units(size))
                for site in held_at:
                    self._at_storage(site, "createFileCopy", f"d{dataset}")
        # What it is asked between moves of the clock, to know that the one before has ended.
        post("/addFile", name="nothing", size=1)

    def _at_storage(self, site: int, what: str, file: str) -> None:
        self._daemon.post(f"/storage_services/{self._storage[site]}/{what}", filename=file)

    def move_clock(self, date: float) -> None:
        """Move WRENCH's clock to a date, unless it is there."""
        while self._clock < date - _ROUNDING:
            self._daemon.post("/advanceTime", increment=date - self._clock)
            while True:
                # Answered by the simulation itself, so not before a move that has begun has ended.
                self._at_storage(0, "lookupFile", "nothing")
                clock = self._daemon.get("/getTime")["time"]
                if clock >= date - _ROUNDING:
                    break
            self._clock = clock

    def events(self) -> list[dict[str, Any]]:
        """The compound jobs that have ended since the last call, in order."""
        return sorted(self._daemon.get("/simulationEvents")["events"], key=_order)

    def start_date(self, name: str) -> float:
        """When a compound job began, s; negative if it has not."""
        path = f"/compoundJobs/{name}/actions/{name}/getStartDate"
        return float(self._daemon.get(path)["time"])

    def read(
        self, name: str, site: int, dataset: int, source: int, size: int, latency: float
    ) -> None:
        """Let a site's nodes read so many bytes of a dataset from the storage of a site."""
        self._add(name, "addFileReadAction", file_name=f"d{dataset}",
                  storage_service_name=self._storage[source],
                  num_bytes_to_read=units(size))  # fmt: skip
        self._submit(name, site, latency=latency)

    def compute(self, name: str, site: int, seconds: float, cores: int, after: str) -> None:
        """Let a site compute on so many cores, once another compound job has ended, if any."""
        self._add(name, "addComputeAction", flops=seconds * cores * SPEED, ram=0,
                  min_num_cores=cores, max_num_cores=cores,
                  parallel_model=["CONSTANTEFFICIENCY", 1.0])  # fmt: skip
        self._submit(name, site, after)

    def write(self, name: str, site: int, to: int, size: int, latency: float, after: str) -> None:
        """Let a site's nodes write a file to the storage of a site, once another job has ended."""
        self._daemon.post("/addFile", name=f"o{name[1:]}", size=units(size))
        self._add(name, "addFileWriteAction", file_name=f"o{name[1:]}",
                  storage_service_name=self._storage[to])  # fmt: skip
        self._submit(name, site, after, latency)

    def _add(self, name: str, action: str, **values: Any) -> None:
        """A compound job of one action, both of this name."""
        self._daemon.post("/createCompoundJob", name=name)
        self._daemon.post(f"/compoundJobs/{name}/{action}", name=name, **values)

    def _submit(self, name: str, site: int, after: str = "", latency: float = 0.0) -> None:
        """Submit a compound job; what moves a file ends that much later than its last byte."""
        job, post = f"/compoundJobs/{name}", self._daemon.post
        if latency:
            post(f"{job}/addSleepAction", name=f"l{name}", sleep_time=latency)
            last = {"parent_action_name": name, "child_action_name": f"l{name}"}
            post(f"{job}/addActionDependency", **last)
        if after:
            post(f"{job}/addParentJob", parent_compound_job=after)
        service = self._compute[site]
        post(f"{job}/submit", compute_service_name=service, service_specific_args="{}")


def _order(event: dict[str, Any]) -> tuple[float, int, str]:
    name = event["job_name"]
    return event["end_date"], _PHASES.index(name[0]), name
