"""Linked phones on this machine: their settings, and the local WhatsApp server's root key."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass

from config.local import ports, settings_file
from config.local.folders import Folder, UnableToStart
from config.local.settings_file import Given

BRIDGE, SERVER = "bridge", "whatsapp"
# Nobody types these: where the usual one is taken, another does as well (ports.fill).
PORTS = {"BRIDGE_PORT": 8002, "FAKE_WHATSAPP_PORT": 8011, "FAKE_WHATSAPP_CONTROL_PORT": 8012}


@dataclass(frozen=True)
class Plan:
    """What is started for linked phones; `problem`: why nothing is, though it was wanted."""

    has_bridge: bool = False
    has_server: bool = False
    problem: UnableToStart | None = None

    def leaves_out(self, name: str) -> bool:
        """Whether this process of the Procfiles is not started."""
        return (name == BRIDGE and not self.has_bridge) or (name == SERVER and not self.has_server)


def settings(
    folder: Folder, given: Given, plan: Plan, numbers: Mapping[str, int]
) -> dict[str, str]:
    """What the processes are told; without a secret, pages say that phones cannot be linked."""
    if not plan.has_bridge:
        return {"BRIDGE_SECRET": ""}
    control = f"http://{ports.HOST}:{numbers['FAKE_WHATSAPP_CONTROL_PORT']}"
    usual = {
        "BRIDGE_EVENTS_URL": f"http://{ports.HOST}:{numbers['EDGE_PORT']}/webhooks/linked-device/",
        "BRIDGE_FOLDER": str(folder.data / "bridge"),
        # A server of the caller's own is nothing that the pretend phone could drive.
        "FAKE_WHATSAPP_URL": control if plan.has_server else "",
    }
    found = {name: given.get(name, value) for name, value in usual.items()}
    if not given.has("BRIDGE_SECRET"):
        found["BRIDGE_SECRET"] = settings_file.secret(folder, "BRIDGE_SECRET")
    return found


def require_root_key(given: Given) -> None:
    """Refuse a WhatsApp server whose root key is not told: the bridge would trust nobody."""
    if given.has("LINKED_DEVICE_URL") and not given.has("LINKED_DEVICE_ROOT_KEY"):
        raise UnableToStart(
            "LINKED_DEVICE_URL is set, and LINKED_DEVICE_ROOT_KEY is not.",
            remedy="Set it to that server's root key (32 bytes in hex or base64), or unset LINKED_DEVICE_URL "
            "to have a WhatsApp server of this machine's own.",
        )


def server_settings(control_port: int) -> dict[str, str]:
    """What leads the bridge to the local server, as that tells it; empty: it does not answer."""
    link = http.client.HTTPConnection(ports.HOST, control_port, timeout=5)
    try:
        link.request("GET", "/")
        about: Mapping[str, str] = json.load(link.getresponse())
    except (OSError, ValueError, http.client.HTTPException):
        return {}
    finally:
        link.close()
    return {"LINKED_DEVICE_URL": about["url"], "LINKED_DEVICE_ROOT_KEY": about["rootKey"]}
