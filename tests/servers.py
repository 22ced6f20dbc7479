"""PostgreSQL and Redis of a harness' own, to be stopped and started at will."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg

from config.local import postgres as local_postgres
from config.local import redis as local_redis
from tests.house import die_with_me, free_port

_PASSWORD = "own"


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
        self._user = self._make()

    @property
    def url(self) -> str:
        return self.url_at("127.0.0.1")

    def url_at(self, host: str) -> str:
        """Return the address as seen from another host."""
        return f"postgres://postgres:{_PASSWORD}@{host}:{self.port}/backroom"

    def _make(self) -> tuple[int, int] | None:
        self._data.mkdir(mode=0o700)
        password = self.folder / "password"
        password.write_text(_PASSWORD)
        user = None
        if os.geteuid() == 0:  # PostgreSQL refuses to be root
            user = (65534, 65534)
            for path in (self._data, password):
                os.chown(path, *user)
            _open_way(self.folder)
        self._run(
            "initdb", "-D", str(self._data), "-U", "postgres", "-A", "scram-sha-256",
            "--pwfile", str(password), "--no-locale", "-E", "UTF8", "--no-sync",
            user=user,
        )  # fmt: skip
        with (self._data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.0.0.0/8 scram-sha-256\n")
        return user

    def _run(self, *words: str, user: tuple[int, int] | None) -> None:
        subprocess.run(
            [str(self._bin / words[0]), *words[1:]],
            check=True, capture_output=True, cwd="/", env={"PATH": os.defpath, "LC_ALL": "C"},
            **({"user": user[0], "group": user[1], "extra_groups": []} if user else {}),
        )  # fmt: skip

    def start(self) -> None:
        """Start and wait until it answers, which after a crash takes its recovery."""
        settings = (
            f"listen_addresses={self._listen}", f"port={self.port}", "unix_socket_directories=",
            "shared_buffers=128MB", "max_connections=200", "fsync=on", "timezone=UTC",
        )  # fmt: skip
        words = [str(self._bin / "postgres"), "-D", str(self._data)]
        for setting in settings:
            words += ["-c", setting]
        user = self._user
        with (self.folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                words, cwd="/", env={"PATH": os.defpath, "LC_ALL": "C"}, stdout=log, stderr=log,
                start_new_session=True,
                # After the change of user, which would clear it.
                preexec_fn=lambda: _become(user),
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


def _become(user: tuple[int, int] | None) -> None:
    if user is not None:
        os.setgroups([])
        os.setgid(user[1])
        os.setuid(user[0])
    die_with_me()


def _open_way(folder: Path) -> None:
    """Let another user walk (not look) into the folders above: temporary folders are 700."""
    for path in (folder, *folder.parents):
        mode = path.stat().st_mode
        if path.owner() == "root" and not mode & 0o001 and "tmp" in path.parts[1:2]:
            path.chmod(mode | 0o011)


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
