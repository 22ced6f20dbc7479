"""`make run`: everything on one machine, from an empty folder to a page that answers."""

import http.client
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.local import (
    leftovers,
    linked,
    models,
    node,
    pagefiles,
    ports,
    procfile,
    services,
    settings_file,
)
from config.local.folders import (
    Folder,
    Lock,
    UnableToStart,
    read_json,
    rotate,
    write_private_json,
)
from config.local.processes import Child, Program, Stopped, Supervisor
from config.local.screen import Follower, Screen
from config.local.settings_file import Given

READY_SECONDS = 90.0
STEP_SECONDS = 600.0
# A process that died this often before it was ready will not become ready by waiting.
HOPELESS_DEATHS = 4


@dataclass(frozen=True)
class Health:
    """What must answer 200 before we say that Backroom runs."""

    name: str
    port: int
    path: str = "/healthz"

    def problem(self) -> str:
        """Empty when all is well."""
        link = http.client.HTTPConnection(ports.HOST, self.port, timeout=5)
        try:
            link.request("GET", self.path)
            answer = link.getresponse()
            text = answer.read(300).decode(errors="replace").strip()
        except (OSError, http.client.HTTPException) as error:
            return f"no answer on port {self.port} ({error})"
        finally:
            link.close()
        return "" if answer.status == 200 else f"{self.path} answers {answer.status} {text}"


def run(
    project: Path, environ: Mapping[str, str], screen: Screen, *, once_ready: str | None = None
) -> int:
    folder = Folder(project=project, data=project / "var")
    try:
        folder.make()
        lock = Lock(folder.run / "lock")
        if not lock.take():
            raise _running_already(folder, lock)
        with Supervisor(record=folder.processes, report=screen.say) as supervisor:
            try:
                return _Launch(folder, environ, screen, supervisor).run(once_ready)
            except Stopped:
                supervisor.on_wait = lambda: None
                screen.say("\nStopping ...")
                return 0
            finally:
                folder.settings.unlink(missing_ok=True)
                supervisor.stop_all()
    except UnableToStart as error:
        screen.trouble(error, folder)
        return 1


class _Launch:
    def __init__(
        self,
        folder: Folder,
        environ: Mapping[str, str],
        screen: Screen,
        supervisor: Supervisor,
    ) -> None:
        self._folder = folder
        self._screen = screen
        self._supervisor = supervisor
        self._given = Given(environ, settings_file.read_env_file(folder.project / ".env"))
        self._environment: dict[str, str] = {}
        self._plan = linked.Plan()

    def run(self, once_ready: str | None) -> int:
        if names := leftovers.stop(self._folder.processes, self._folder.project):
            self._screen.say(f"  Ended what an earlier start left behind: {', '.join(names)}")
        linked.require_root_key(self._given)
        wanted = {
            name: ports.number(name, self._given.get(name, str(usual)))
            for name, usual in {**ports.TYPED, **linked.PORTS}.items()
            if name in ports.TYPED or self._given.get(name)
        }
        ports.require_free(wanted)
        numbers = ports.fill(self._folder, wanted, linked.PORTS)
        self._plan, path = self._prepare_linked()
        self._prepare_model()

        for name in ("postgres.log", "redis.log"):
            rotate(self._folder.log / name)
        servers = services.start(
            self._supervisor, self._folder, self._screen, given=self._given, is_durable=True
        )
        settings = settings_file.compose(
            self._folder, given=self._given, servers=servers, numbers=numbers, mode="development"
        )
        settings |= linked.settings(self._folder, self._given, self._plan, numbers)
        self._tell(settings, path)

        self._manage("Preparing the database", "migrate", "--noinput")
        if not pagefiles.are_collected(self._folder):
            self._manage("Collecting the pages' files", "collectstatic", "--noinput")
            pagefiles.note_collected(self._folder)
        password = self._given.get("DEMO_PASSWORD")
        password = password or settings_file.secret(self._folder, "DEMO_PASSWORD")
        # The pretend phone first: the demo's number is made known to it before the rest is ready.
        children = self._start_processes("Procfile.local")
        if "simulator" in children:
            with self._screen.step("Starting the pretend phone"):
                self._wait_until_ready([Health("simulator", numbers["SIMULATOR_PORT"])], children)
        if linked.SERVER in children:
            control = numbers["FAKE_WHATSAPP_CONTROL_PORT"]
            with self._screen.step("Starting the local WhatsApp"):
                self._wait_until_ready([Health(linked.SERVER, control, "/")], children)
            settings |= linked.server_settings(control)
            self._tell(settings, path)
        demo = self._manage("Preparing the demo workspace", "demo", DEMO_PASSWORD=password)

        children |= self._start_processes("Procfile")
        with self._screen.step("Starting the processes"):
            healths = [
                Health("web", numbers["PORT"], "/readyz"),
                Health("edge", numbers["EDGE_PORT"], "/readyz"),
                Health(linked.BRIDGE, numbers["BRIDGE_PORT"], "/health"),
            ]
            self._wait_until_ready([h for h in healths if h.name in children], children)
        self._show_box(settings, _facts(demo), password, children)
        if once_ready is not None:
            return self._run_command(once_ready)
        return self._keep(children)

    def _prepare_linked(self) -> tuple[linked.Plan, str]:
        """What is needed for linked phones, and the PATH to find it by."""
        environment = child_environment(self._given.all(), {})
        if linked.BRIDGE not in procfile.read(self._folder.project / "Procfile"):
            return linked.Plan(), environment["PATH"]
        try:
            found = node.prepare(self._supervisor, self._folder, self._screen, environment)
        except UnableToStart as problem:
            return linked.Plan(problem=problem), environment["PATH"]
        has_server = not self._given.has("LINKED_DEVICE_URL")
        return linked.Plan(has_bridge=True, has_server=has_server), found.path(environment["PATH"])

    def _prepare_model(self) -> None:
        """Fetch the language model; without it answers are found by words."""
        is_elsewhere = self._given.has("FAQ_MODEL_FOLDER")
        if is_elsewhere or not models.is_wanted(self._folder.project):
            return
        environment = child_environment(self._given.all(), {})
        try:
            models.prepare(self._supervisor, self._folder, self._screen, environment)
        except UnableToStart as problem:
            self._screen.trouble(problem, self._folder, begin=models.MISSING)

    def _tell(self, settings: Mapping[str, str], path: str) -> None:
        """Let every process from now on, and other commands in this folder, know the settings."""
        write_private_json(self._folder.settings, settings)
        self._environment = {**child_environment(self._given.all(), settings), "PATH": path}

    def _manage(self, title: str, *words: str, **extra: str) -> Path:
        """Run one management command as a visible step; the log with what it printed."""
        log = self._folder.log / f"{words[0]}.log"
        rotate(log)
        command = (sys.executable, "manage.py", *words)
        program = Program(
            name=words[0],
            command=command,
            environment={**self._environment, **extra},
            folder=self._folder.project,
            log=log,
        )
        with self._screen.step(title):
            code = self._supervisor.run(program, seconds=STEP_SECONDS)
            if code != 0:
                what = "took too long" if code is None else f"failed with code {code}"
                raise UnableToStart(
                    f"`manage.py {' '.join(words)}` {what}.", log=log, remedy=self._step_remedy()
                )
        return log

    def _step_remedy(self) -> str:
        given = [name for name in ("DATABASE_URL", "REDIS_URL") if self._given.has(name)]
        if given:
            return (
                f"{' and '.join(given)} came from your environment or .env: "
                "does that server run, and may we use it?"
            )
        return (
            "If the last lines do not say it, begin afresh: `make clean` removes this folder's "
            "data and virtualenv, then `make run`."
        )

    def _start_processes(self, file: str) -> dict[str, Child]:
        commands = procfile.read(self._folder.project / file)
        words = {
            name: procfile.expand(command, self._environment)
            for name, command in commands.items()
            if not self._plan.leaves_out(name)
        }
        children = {}
        for name, command in words.items():
            log = self._folder.log / f"{name}.log"
            rotate(log)
            children[name] = self._supervisor.start(
                Program(
                    name=name,
                    command=tuple(command),
                    environment=self._environment,
                    folder=self._folder.project,
                    log=log,
                    # It hands its lines over, and tells the front door what it still has.
                    ends_first=name == linked.BRIDGE,
                ),
                is_kept=True,
            )
        return children

    def _wait_until_ready(self, healths: list[Health], children: dict[str, Child]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        waiting = list(healths)
        problem = ""
        while time.monotonic() < deadline:
            for child in children.values():
                if child.quick_deaths >= HOPELESS_DEATHS:
                    raise self._unready(child.program.name, "it keeps ending")
            while waiting and not (problem := waiting[0].problem()):
                waiting.pop(0)
            if not waiting and all(child.is_alive for child in children.values()):
                return
            self._supervisor.pause(0.2)
        if waiting:
            raise self._unready(waiting[0].name, problem)
        dead = next((c for c in children.values() if not c.is_alive), None)
        raise self._unready(dead.program.name if dead else "web", "it does not stay alive")

    def _unready(self, name: str, problem: str) -> UnableToStart:
        return UnableToStart(
            f"{name} is not ready: {problem}.",
            remedy="All logs are in var/log/. After a change of the code, `make run` again.",
            log=self._folder.log / f"{name}.log",
        )

    def _show_box(
        self,
        settings: Mapping[str, str],
        demo: Mapping[str, str],
        password: str,
        children: Mapping[str, Child],
    ) -> None:
        phone = demo.get("phone_url") or "/"
        if phone.startswith("/"):
            phone = settings["SIMULATOR_URL"] + phone
        lines = ["Backroom is running", "", f"Open        {settings['BASE_URL']}/"]
        if email := demo.get("sign_in_email"):
            lines.append(f"Sign in     {email}   password  {password}")
        lines.append(f"The phone   {phone}")
        if self._given.all().get("EMAIL_URL", "consolemail").startswith("consolemail"):
            lines.append("E-mails     go to var/log/web.log (the codes to sign up and in)")
        if "edge" in children:
            lines.append(f"Webhooks    {settings['EDGE_URL']}/webhooks/whatsapp/")
        if self._plan.problem is not None:
            lines.append("Linking     off: no phone can be linked here, see above")
            self._screen.trouble(self._plan.problem, self._folder, begin="Linked phones are OFF")
        lines += ["", "Ctrl-C stops everything"]
        self._screen.box(lines)

    def _run_command(self, command: str) -> int:
        program = Program(
            name="once-ready",
            command=("sh", "-c", command),
            environment=self._environment,
            folder=self._folder.project,
            is_foreground=True,
        )
        code = self._supervisor.run(program, seconds=float("inf"))
        return shell_code(code or 0)

    def _keep(self, children: Mapping[str, Child]) -> int:
        if self._screen.is_terminal:
            logs = {name: child.program.log for name, child in children.items()}
            follower = Follower(self._screen, {n: log for n, log in logs.items() if log})
            self._supervisor.on_wait = follower.show_new_lines
        while True:
            self._supervisor.pause(3600)


def child_environment(given: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """What every program gets: the virtualenv's programs first, output unbuffered."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{given.get('PATH', os.defpath)}"
    usual = {
        # Few arenas keep the memory of the many-threaded workers down.
        "MALLOC_ARENA_MAX": "2",
        # Celery's advice against root, nine lines from each worker: one machine may well run so.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }
    return {**usual, **given, **settings, "PATH": path, "PYTHONUNBUFFERED": "1"}


def shell_code(code: int) -> int:
    """An exit code as a shell tells it: a program ended by a signal is 128 and the signal."""
    return code if code >= 0 else 128 - code


def _facts(log: Path) -> dict[str, str]:
    """The JSON object that the demo command printed, between whatever else it said."""
    text = log.read_text(errors="replace")
    begin = text.find("{")
    while begin >= 0:
        try:
            facts, _end = json.JSONDecoder().raw_decode(text[begin:])
        except ValueError:
            facts = {}
        if isinstance(facts, dict) and "sign_in_email" in facts:
            return {str(name): str(value) for name, value in facts.items()}
        begin = text.find("{", begin + 1)
    return {}


def _running_already(folder: Folder, lock: Lock) -> UnableToStart:
    settings = read_json(folder.settings) or {}
    address = f" at {settings['BASE_URL']}/" if "BASE_URL" in settings else ""
    return UnableToStart(
        f"Backroom runs in this folder already{address} (process {lock.holder()}).",
        remedy="Stop that one by Ctrl-C first. A second clone may run beside it, on other ports.",
    )
