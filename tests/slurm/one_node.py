"""A real Slurm of one node, in a folder of its own: munged, slurmctld and slurmd as this user.

The node shares files with the controller and nothing else: it has a `/tmp` and a network of its
own, whose one neighbour is the controller, as on clusters whose nodes see no internet. Nothing is
installed and no file of the system is touched; what it needs are Debian's packages `slurm-wlm`,
`munge` and `iproute2`, and root.
"""

import itertools
import os
import secrets
import shutil
import socket
import subprocess
from pathlib import Path

from tests.slurm.accounting import Accounting
from tests.slurm.daemons import Daemons, free_port

PROGRAMS = (
    "munged",
    "slurmctld",
    "slurmd",
    "sbatch",
    "squeue",
    "scancel",
    "srun",
    "scontrol",
    "sinfo",
    "ip",
    "nsenter",
    "unshare",
)
CPUS = 8
MEMORY_MB = 16_000

_CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}({controller})
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={munge}
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
# No systemd, no cgroups: a container has neither.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
# More cores than there are, so that jobs stand side by side as on a cluster.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# Jobs that take more memory than they asked for are killed.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
{accounting}
MinJobAge={min_job_age}
ReturnToService=2
KillWait=5
SchedulerParameters=sched_interval=5,batch_sched_delay=0
GresTypes=gpu
NodeName={host} NodeAddr={address} CPUs={cpus} RealMemory={memory} Gres=gpu:a100:2 State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={host} MaxTime=INFINITE State=UP
"""


def missing() -> str | None:
    """Why no Slurm can be started here; `None` if one can."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    absent = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if absent:
        return f"{', '.join(absent)} not found: install Debian's slurm-wlm, munge and iproute2"
    if os.geteuid() != 0:
        return "only root can make a network for a node and devices that stand for GPUs"
    return None


class OneNodeSlurm:
    """A controller and a node with eight pretended cores and two pretended GPUs.

    Args:
        folder: an empty folder outside `/tmp`, which the node does not share.
        min_job_age: seconds for which ended jobs are remembered.
        accounting: whether ended jobs are kept in a database.

    Attributes:
        node: the node's name.
        environment: the variables that let Slurm's commands find it.
    """

    def __init__(self, folder: Path, min_job_age: int = 300, accounting: bool = False) -> None:
        self.folder = folder
        self.node = socket.gethostname().split(".")[0]
        self._network = _Network()
        self._path = f"{os.environ['PATH']}:/usr/sbin"
        self.environment = os.environ | {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder / 'bin'}:{self._path}",
        }
        self._munge = folder / "munge.socket"
        self._accounting = None
        if accounting:
            self._accounting = Accounting(folder / "accounting", self._munge)
        self._daemons = Daemons(folder, self.environment)
        for name in ("state", "spool", "bin"):
            (folder / name).mkdir(parents=True)
        # munged refuses a socket where others may write.
        folder.chmod(0o755)
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        self.replace_srun("")
        self._write_configuration(min_job_age)

    def replace_srun(self, afterwards: str) -> None:
        """Let `srun` run shell commands once its job step has ended.

        Snakemake's plug-in takes SLURM_… out of a job's environment, so that `srun` has to be told
        where its configuration is in any case.
        """
        srun, original = self.folder / "bin/srun", shutil.which("srun", path=self._path)
        call = f'SLURM_CONF={self.folder}/slurm.conf {original} "$@"'
        srun.write_text(f"#!/bin/sh\n{call}\nstatus=$?\n{afterwards}\nexit $status\n")
        srun.chmod(0o755)

    def start(self) -> None:
        """Start the daemons and wait until the node is idle."""
        self._network.make()
        self._start_munge()
        if self._accounting is not None:
            self._accounting.start()
            self.run("sacctmgr", "--immediate", "add", "cluster", "test")
        self.start_controller()
        alone = ("unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /tmp && exec slurmd -D")
        self._daemons.start("slurmd", *self._network.inside(*alone))
        self._daemons.wait(
            lambda: "idle" in self.run("sinfo", "-h", "-o", "%T"), "the node is not idle"
        )

    def start_controller(self) -> None:
        """Start the controller, with the state that an earlier one kept, and wait for it."""
        if "slurmctld" not in self._daemons:
            self._daemons.start("slurmctld", "slurmctld", "-D")
        self._daemons.wait(
            lambda: "UP" in self.run("scontrol", "ping"), "the controller does not answer"
        )

    def stop_controller(self) -> None:
        self._daemons.stop("slurmctld")

    def stop(self) -> None:
        """Cancel all jobs, stop the daemons and remove the network."""
        if "slurmctld" in self._daemons:
            self.run("scancel", "--user", "root")
            self._daemons.wait(lambda: not self.jobs(), "jobs are left")
        self._daemons.stop("slurmd", "slurmctld")
        if self._accounting is not None:
            self._accounting.stop()
        self._daemons.stop()
        self._network.remove()

    def run(self, *command: str) -> str:
        """The output of one of Slurm's commands, errors included."""
        answer = subprocess.run(
            command,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        return answer.stdout

    def jobs(self, states: str = "PENDING,RUNNING,COMPLETING,CONFIGURING") -> list[dict[str, str]]:
        """The jobs in one of `states`, oldest first: id, state, partition, comment and so on."""
        names = ("id", "state", "partition", "comment", "memory", "limit", "folder")
        form = "%i|%T|%P|%k|%m|%l|%Z"
        lines = self.run(
            "squeue", "--noheader", "--states", states, "--sort", "i", "--format", form
        )
        rows = [line.split("|") for line in lines.splitlines() if line.count("|") == 6]
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _write_configuration(self, min_job_age: int) -> None:
        devices = []
        for number in range(2):
            device = self.folder / f"gpu{number}"
            # /dev/null under another name: Slurm sees GPUs in character devices alone.
            os.mknod(device, 0o666 | 0o020000, os.makedev(1, 3))
            devices.append(f"Name=gpu Type=a100 File={device} Flags=nvidia_gpu_env")
        (self.folder / "gres.conf").write_text("\n".join(devices) + "\n")
        (self.folder / "slurm.conf").write_text(
            _CONFIGURATION.format(
                folder=self.folder,
                host=self.node,
                controller=self._network.controller,
                address=self._network.node,
                controller_port=free_port(),
                node_port=free_port(),
                cpus=CPUS,
                memory=MEMORY_MB,
                min_job_age=min_job_age,
                munge=self._munge,
                accounting="AccountingStorageType=accounting_storage/none"
                if self._accounting is None
                else self._accounting.settings,
            )
        )

    def _start_munge(self) -> None:
        self._daemons.start(
            "munged",
            "munged",
            "--foreground",
            "--force",
            f"--key-file={self.folder / 'munge.key'}",
            f"--socket={self._munge}",
            f"--pid-file={self.folder / 'munged.pid'}",
            f"--log-file={self.folder / 'munged.log'}",
            f"--seed-file={self.folder / 'munged.seed'}",
        )
        self._daemons.wait(self._munge.exists, "munged does not answer")


class _Network:
    """A network of two: the controller's end here, the node's in a namespace of its own.

    Attributes:
        controller, node: their addresses.
    """

    _numbers = itertools.count()

    def __init__(self) -> None:
        net = f"10.211.{self._free_number()}"
        self.controller, self.node = f"{net}.1", f"{net}.2"
        own = f"{os.getpid()}.{next(self._numbers)}"
        self._name = f"redwood{own}"
        self._ends = f"rw{own}c", f"rw{own}n"

    @staticmethod
    def _free_number() -> int:
        """Of a network that no other Slurm of this machine has."""
        taken = subprocess.run(
            ["ip", "-4", "-oneline", "address"], capture_output=True, text=True, check=True
        ).stdout
        first = os.getpid()
        numbers = (number % 250 for number in range(first, first + 250))
        return next(number for number in numbers if f" 10.211.{number}." not in taken)

    def make(self) -> None:
        here, there = self._ends
        for command in (
            f"netns add {self._name}",
            f"link add {here} type veth peer name {there}",
            f"link set {there} netns {self._name}",
            f"addr add {self.controller}/30 dev {here}",
            f"link set {here} up",
            f"-n {self._name} addr add {self.node}/30 dev {there}",
            f"-n {self._name} link set {there} up",
            f"-n {self._name} link set lo up",
        ):
            subprocess.run(["ip", *command.split()], check=True)

    def inside(self, *command: str) -> tuple[str, ...]:
        """A command line that runs `command` in the node's network."""
        # Not `ip netns exec`, which takes /sys/fs/cgroup away.
        return ("nsenter", f"--net=/run/netns/{self._name}", *command)

    def remove(self) -> None:
        subprocess.run(["ip", "netns", "del", self._name], check=False)
