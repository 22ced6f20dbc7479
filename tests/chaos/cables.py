"""The cable between two hosts on one machine, which can be cut: packets vanish, nobody is told."""

import os
import shutil
import subprocess
import sys
from typing import Protocol

from tests.house import ROOT, die_with_me, free_port

_NOBODY = "02:00:00:00:00:01"  # a network card that does not exist


class Cable(Protocol):
    """Between our services and another host's processes."""

    address: str  # the other host's own
    inside: list[str]  # what runs a command over there
    listen: str  # where our services have to listen

    def there(self, port: int) -> tuple[str, int]:
        """Return where the other host finds our service of this port."""

    def door(self, port: int) -> tuple[str, int]:
        """Return where we find the other host's service of this port."""

    def cut(self) -> None:
        """Let every packet vanish; open connections stay open."""

    def heal(self) -> None:
        """Let packets through again."""

    def close(self) -> None:
        """Take the cable away."""


class Namespace:
    """A network namespace and a pair of virtual cards: what a real network does, happens here.

    Cut by a wrong neighbour's address on both sides: frames go to a card that nobody has.
    """

    def __init__(self) -> None:
        self._name = f"bk{os.getpid()}"
        self._cards = f"{self._name}a", f"{self._name}b"
        # Another copy may have a cable of its own on this machine.
        net, place = os.getpid() % 250, os.getpid() // 250 % 60 * 4
        self._ours, self.address = f"10.203.{net}.{place + 1}", f"10.203.{net}.{place + 2}"
        self.inside = ["ip", "netns", "exec", self._name]
        self.listen = f"127.0.0.1,{self._ours}"
        ours, theirs = self._cards
        _ip("netns", "add", self._name)
        _ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", self._name)
        _ip("addr", "add", f"{self._ours}/30", "dev", ours)
        _ip("link", "set", ours, "up")
        for words in (
            ("addr", "add", f"{self.address}/30", "dev", theirs),
            ("link", "set", theirs, "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-n", self._name, *words)
        self._macs = self._mac(ours), self._mac(theirs, "-n", self._name)

    @staticmethod
    def is_possible() -> bool:
        """Say whether this user may make one here."""
        if os.geteuid() != 0 or not shutil.which("ip"):
            return False
        probe = f"bkp{os.getpid()}"
        if subprocess.run(["ip", "netns", "add", probe], capture_output=True).returncode:
            return False
        return subprocess.run(["ip", "netns", "del", probe], capture_output=True).returncode == 0

    def there(self, port: int) -> tuple[str, int]:
        return self._ours, port

    def door(self, port: int) -> tuple[str, int]:
        return self.address, port

    def cut(self) -> None:
        self._introduce(_NOBODY, _NOBODY)

    def heal(self) -> None:
        self._introduce(*self._macs)

    def _introduce(self, ours: str, theirs: str) -> None:
        first, second = self._cards
        words = ("lladdr", theirs, "nud", "permanent", "dev", first)
        _ip("neigh", "replace", self.address, *words)
        words = ("lladdr", ours, "nud", "permanent", "dev", second)
        _ip("-n", self._name, "neigh", "replace", self._ours, *words)

    def close(self) -> None:
        subprocess.run(["ip", "netns", "del", self._name], capture_output=True)

    @staticmethod
    def _mac(card: str, *where: str) -> str:
        words = _ip(*where, "-o", "link", "show", card).split()
        return words[words.index("link/ether") + 1]


class Relays:
    """Without the right to make a network: a process in between that stops passing anything on.

    What is cut here is still acknowledged by the kernel, so a server's keepalive sees nothing.
    """

    def __init__(self) -> None:
        self.address = self.listen = "127.0.0.1"
        self.inside: list[str] = []
        self._ports: dict[int, int] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.relay"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=die_with_me,
        )  # fmt: skip

    def there(self, port: int) -> tuple[str, int]:
        if port not in self._ports:
            self._ports[port] = free_port()
            self._tell(f"pass {self._ports[port]} {port}")
        return "127.0.0.1", self._ports[port]

    def door(self, port: int) -> tuple[str, int]:
        return self.there(port)

    def cut(self) -> None:
        self._tell("cut")

    def heal(self) -> None:
        self._tell("heal")

    def close(self) -> None:
        self._process.kill()
        self._process.wait(5)

    def _tell(self, words: str) -> None:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("The relay has no pipes.")
        self._process.stdin.write(words + "\n")
        self._process.stdin.flush()
        self._process.stdout.readline()  # when it is done


def lay() -> Cable:
    """Return the most faithful cable that this user may lay."""
    return Namespace() if Namespace.is_possible() else Relays()


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout
