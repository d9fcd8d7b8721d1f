"""Slurm's accounting for a test's cluster: MariaDB and slurmdbd in a folder of their own."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.slurm.daemons import Daemons, free_port

_CONFIGURATION = """
AuthType=auth/munge
AuthInfo=socket={munge}
DbdHost=localhost
DbdPort={port}
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser=slurm
StoragePass=slurm
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
"""


def missing() -> str | None:
    """Why there can be no accounting here; `None` if there can."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    programs = ("slurmdbd", "sacct", "mariadbd", "mariadb-install-db", "mariadb")
    absent = [program for program in programs if shutil.which(program, path=path) is None]
    if absent:
        return f"{', '.join(absent)} not found: install Debian's slurmdbd and mariadb-server"
    return None


class Accounting:
    """A database of jobs.

    Args:
        folder: a folder to make.
        munge: the socket of a munged, which is to run before `start`.

    Attributes:
        settings: the lines of slurm.conf that say where it is.
    """

    def __init__(self, folder: Path, munge: Path) -> None:
        self._folder = folder
        self._database_port = free_port()
        port = free_port()
        self.settings = (
            "AccountingStorageType=accounting_storage/slurmdbd\n"
            f"AccountingStorageHost=localhost\nAccountingStoragePort={port}\n"
            f"AccountingStoragePass={munge}"
        )
        folder.mkdir(parents=True)
        # slurmdbd looks for its configuration beside slurm.conf.
        path = f"{os.environ['PATH']}:/usr/sbin"
        self._environment = os.environ | {"PATH": path, "SLURM_CONF": f"{folder}/slurm.conf"}
        self._daemons = Daemons(folder, self._environment)
        configuration = folder / "slurmdbd.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                munge=munge, port=port, database_port=self._database_port, folder=folder
            )
        )
        configuration.chmod(0o600)

    def start(self) -> None:
        """Start the database, then slurmdbd."""
        data, socket = self._folder / "data", self._folder / "mariadb.socket"
        self._call("mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}")
        self._daemons.start(
            *("mariadbd", "mariadbd", "--no-defaults", "--user=root", f"--datadir={data}"),
            *(f"--socket={socket}", "--bind-address=127.0.0.1", f"--port={self._database_port}"),
            *(f"--pid-file={self._folder}/mariadbd.pid", "--innodb-buffer-pool-size=64M"),
        )
        self._daemons.wait(socket.exists, "MariaDB does not answer", seconds=60)
        user = "slurm@127.0.0.1"
        allowed = f"CREATE USER {user} IDENTIFIED BY 'slurm'; GRANT ALL ON *.* TO {user};"
        self._call("mariadb", "--no-defaults", f"--socket={socket}", "--execute", allowed)
        self._daemons.start("slurmdbd", "slurmdbd", "-D")
        log = self._folder / "slurmdbd.log"
        self._daemons.wait(
            lambda: log.exists() and "started" in log.read_text(), "slurmdbd does not start", 60
        )

    def stop(self) -> None:
        self._daemons.stop()

    def _call(self, *command: str) -> None:
        with open(self._folder / "database.out", "ab") as output:
            subprocess.run(command, env=self._environment, stdout=output, stderr=output, check=True)
