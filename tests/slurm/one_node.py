"""A real Slurm of one node, in a folder of its own: munged, slurmctld and slurmd as this user.

Nothing is installed and no file of the system is touched; what it needs are Debian's packages
`slurm-wlm` and `munge`, and root for two character devices that stand for GPUs.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

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
)
CPUS = 8
MEMORY_MB = 16_000

_CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
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
AccountingStorageType=accounting_storage/none
MinJobAge={min_job_age}
ReturnToService=2
KillWait=5
SchedulerParameters=sched_interval=5,batch_sched_delay=0
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:a100:2 State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={host} MaxTime=INFINITE State=UP
"""


def missing() -> str | None:
    """Why no Slurm can be started here; `None` if one can."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    absent = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if absent:
        return f"{', '.join(absent)} not found: install Debian's slurm-wlm and munge"
    if os.geteuid() != 0:
        return "only root can make the devices that stand for GPUs"
    return None


class OneNodeSlurm:
    """A controller and a node with eight pretended cores and two pretended GPUs.

    Attributes:
        node: the node's name.
        environment: the variables that let Slurm's commands find it.
    """

    def __init__(self, folder: Path, min_job_age: int = 300) -> None:
        self.folder = folder
        self.node = socket.gethostname().split(".")[0]
        path = f"{os.environ['PATH']}:/usr/sbin"
        self.environment = os.environ | {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder / 'bin'}:{path}",
        }
        self._daemons: dict[str, subprocess.Popen] = {}
        for name in ("state", "spool", "bin"):
            (folder / name).mkdir(parents=True)
        # Snakemake's plug-in takes SLURM_… out of a job's environment: srun there has to be told.
        srun, original = folder / "bin/srun", shutil.which("srun", path=path)
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {original} "$@"\n')
        srun.chmod(0o755)
        # munged refuses a socket where others may write.
        folder.chmod(0o755)
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        devices = []
        for number in range(2):
            device = folder / f"gpu{number}"
            # /dev/null under another name: Slurm sees GPUs in character devices alone.
            os.mknod(device, 0o666 | 0o020000, os.makedev(1, 3))
            devices.append(f"Name=gpu Type=a100 File={device} Flags=nvidia_gpu_env")
        (folder / "gres.conf").write_text("\n".join(devices) + "\n")
        (folder / "slurm.conf").write_text(
            _CONFIGURATION.format(
                folder=folder,
                host=self.node,
                controller_port=_free_port(),
                node_port=_free_port(),
                cpus=CPUS,
                memory=MEMORY_MB,
                min_job_age=min_job_age,
            )
        )

    def start(self) -> None:
        """Start the three daemons and wait until the node is idle."""
        self._start_munge()
        self.start_controller()
        self._start("slurmd", "-D")
        self._wait(lambda: "idle" in self.run("sinfo", "-h", "-o", "%T"), "the node is not idle")

    def start_controller(self) -> None:
        """Start the controller, with the state that an earlier one kept, and wait for it."""
        self._start("slurmctld", "-D")
        self._wait(lambda: "UP" in self.run("scontrol", "ping"), "the controller does not answer")

    def stop_controller(self) -> None:
        self._stop("slurmctld")

    def stop(self) -> None:
        """Cancel all jobs and stop the daemons."""
        if self._daemons.get("slurmctld"):
            self.run("scancel", "--user", "root")
            self._wait(lambda: not self.jobs(), "jobs are left", seconds=30)
        for name in ("slurmd", "slurmctld", "munged"):
            self._stop(name)

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

    def wait_for_job(self, comment: str, state: str, seconds: float = 120) -> dict[str, str]:
        """Wait until a job whose comment begins with `comment` is in `state`."""
        found: list[dict[str, str]] = []

        def is_there() -> bool:
            found[:] = [job for job in self.jobs(state) if job["comment"].startswith(comment)]
            return bool(found)

        self._wait(is_there, f"no job of {comment} is {state}", seconds)
        return found[-1]

    def _start_munge(self) -> None:
        self._start(
            "munged",
            "--foreground",
            "--force",
            f"--key-file={self.folder / 'munge.key'}",
            f"--socket={self.folder / 'munge.socket'}",
            f"--pid-file={self.folder / 'munged.pid'}",
            f"--log-file={self.folder / 'munged.log'}",
            f"--seed-file={self.folder / 'munged.seed'}",
        )
        self._wait((self.folder / "munge.socket").exists, "munged does not answer")

    def _start(self, name: str, *arguments: str) -> None:
        with open(self.folder / f"{name}.out", "ab") as output:
            self._daemons[name] = subprocess.Popen(
                [name, *arguments], env=self.environment, stdout=output, stderr=output
            )

    def _stop(self, name: str) -> None:
        daemon = self._daemons.pop(name, None)
        if daemon is None:
            return
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(30)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def _wait(self, is_true, complaint: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not is_true():
            if time.monotonic() > end:
                raise TimeoutError(f"{complaint} after {seconds:.0f} s\n{self._logs()}")
            time.sleep(0.3)

    def _logs(self) -> str:
        parts = []
        for path in sorted([*self.folder.glob("*.log"), *self.folder.glob("*.out")]):
            tail = path.read_text(errors="replace").splitlines()[-15:]
            parts.append("\n".join([f"--- {path.name}", *tail]))
        return "\n".join(parts)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
