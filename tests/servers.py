"""PostgreSQL and Redis of a harness' own, to be stopped and started at will."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg

from config.local import postgres as local_postgres
from config.local import redis as local_redis
from config.local.processes import Program
from tests.house import die_with_me, free_port

_PASSWORD = "own"
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


def connects(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


class Postgres:
    """A server with its data in `folder`, durable as in production."""

    def __init__(self, folder: Path, *, listen: str = "127.0.0.1") -> None:
        self.folder, self.port, self._listen = folder, free_port(), listen
        self._bin = local_postgres.binaries()
        self._data = folder / "postgres"
        self._process: subprocess.Popen[bytes] | None = None
        self._user: tuple[int, int] | None = None
        self._make()

    @property
    def url(self) -> str:
        return self.url_at("127.0.0.1")

    def url_at(self, host: str) -> str:
        """Return the address as seen from another host."""
        return f"postgres://postgres:{_PASSWORD}@{host}:{self.port}/backroom"

    def _make(self) -> None:
        self._data.mkdir(mode=0o700)
        password = self.folder / "password"
        password.write_text(_PASSWORD)
        user = None
        if os.geteuid() == 0:  # PostgreSQL refuses to be root
            nobody = pwd.getpwnam("nobody")
            user = (nobody.pw_uid, nobody.pw_gid)
            for path in (self._data, password):
                os.chown(path, *user)
            self.folder.chmod(0o711)
        self._user = user
        done = subprocess.run(
            self._words(
                "initdb", "-D", str(self._data), "-U", "postgres", "-A", "scram-sha-256",
                "--pwfile", str(password), "--no-locale", "-E", "UTF8", "--no-sync",
            ),
            capture_output=True, text=True, cwd="/", env=_ENVIRONMENT,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"initdb: {done.stderr[-2000:]}")
        with (self._data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.0.0.0/8 scram-sha-256\n")

    def _words(self, program: str, *words: str) -> list[str]:
        """Return how to run a program of PostgreSQL's without root's rights."""
        return Program(
            name=program,
            command=(str(self._bin / program), *words),
            environment=_ENVIRONMENT,
            folder=Path("/"),
            stop_signal=signal.SIGQUIT,
            user=self._user,
            needs=(self._data,),
        ).shim_command()

    def start(self) -> None:
        """Start and wait until it answers, which after a crash takes its recovery."""
        settings = (
            f"listen_addresses={self._listen}", f"port={self.port}", "unix_socket_directories=",
            "shared_buffers=128MB", "max_connections=200", "fsync=on", "timezone=UTC",
        )  # fmt: skip
        words = [word for setting in settings for word in ("-c", setting)]
        with (self.folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._words("postgres", "-D", str(self._data), *words),
                cwd="/", env=_ENVIRONMENT, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + 60
        while True:
            try:
                admin = self.url.rpartition("/")[0] + "/postgres"
                with psycopg.connect(admin, autocommit=True, connect_timeout=5) as line:
                    if not line.execute(
                        "SELECT 1 FROM pg_database WHERE datname = 'backroom'"
                    ).fetchone():
                        line.execute("CREATE DATABASE backroom")
                return
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stop; SIGQUIT is PostgreSQL's immediate stop: no goodbye, recovery at the next start."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None


class Redis:
    """A server that keeps nothing, or (`has_file`) writes every command to its file."""

    def __init__(self, folder: Path, *, has_file: bool = False, listen: str = "127.0.0.1") -> None:
        self.folder, self.port, self.has_file, self._listen = folder, free_port(), has_file, listen
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.url_at("127.0.0.1")

    def url_at(self, host: str) -> str:
        """Return the address as seen from another host."""
        return f"redis://{host}:{self.port}/0"

    def start(self) -> None:
        """Start and wait until it answers."""
        data = self.folder / "redis"
        data.mkdir(exist_ok=True)
        words = [
            str(local_redis.binary()), "--port", str(self.port), "--dir", str(data),
            "--bind", *self._listen.split(","), "--protected-mode", "no", "--save", "",
            "--appendonly", "yes" if self.has_file else "no",
        ]  # fmt: skip
        with (self.folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                words, stdout=log, stderr=log, start_new_session=True, preexec_fn=die_with_me
            )
        until = time.monotonic() + 20
        while not connects(self.port):
            if time.monotonic() > until:
                raise RuntimeError("Redis did not start.")
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop, or kill -9."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)
            self._process = None

    def forget(self) -> None:
        """Remove what it wrote."""
        shutil.rmtree(self.folder / "redis", ignore_errors=True)
