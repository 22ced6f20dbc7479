"""Pages as a cheap telephone on 3G gets them, judged by Lighthouse: `make bench ONLY=lighthouse`.

A real web process, the business of tests.story, Chromium, simulated throttling. Lighthouse comes by
npm into var/lighthouse (package-lock.json beside this), 186 MB unpacked, so it runs when asked for only.
"""

import hashlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from config.local import node
from tests import places
from tests.bench.figure import Figure
from tests.bench.town import note
from tests.house import ROOT, House, die_with_me, fetch, free_port, wait_until

PAGES = ("setup-number", "inbox", "thread")
RUNS = 3
SCORE, PAINT_SECONDS = 95.0, 2.0
_LOCK = Path(__file__).parent / "npm"
_SETTINGS = (
    "--output=json", "--quiet", "--only-categories=performance", "--form-factor=mobile",
    "--throttling-method=simulate", "--throttling.rttMs=300", "--throttling.throughputKbps=700",
    "--throttling.cpuSlowdownMultiplier=6", "--screenEmulation.mobile=true",
    "--screenEmulation.width=360", "--screenEmulation.height=740",
    "--screenEmulation.deviceScaleFactor=2",
)  # fmt: skip
_CHROMIUM = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--mute-audio",
)  # fmt: skip
_TELL = "from tests import story; print(story.tell().to_json())"
# What else a report says of a page: Lighthouse's name for it, and ours.
_BESIDE = {
    "first-contentful-paint": "first_paint_ms",
    "speed-index": "speed_index_ms",
    "total-blocking-time": "blocked_ms",
    "cumulative-layout-shift": "layout_shift",
    "total-byte-weight": "bytes",
    "dom-size": "elements",
}


def lighthouse() -> Iterator[Figure]:
    """Yield the score and the largest paint of each page, the median of some runs.

    PAGES=home,faqs for other pages (tests/places.py), RUNS=1 for a first look.
    """
    wanted = [name for name in os.environ.get("PAGES", "").split(",") if name] or list(PAGES)
    runs = int(os.environ.get("RUNS") or RUNS)
    program = fetched()
    with tempfile.TemporaryDirectory(prefix="backroom-lighthouse-") as kept:
        folder = Path(kept)
        house = House(folder, database="backroom_bench_lighthouse")
        try:
            house.manage("migrate", "--noinput", "-v0")
            house.manage("collectstatic", "--noinput", "-v0")
            house.start("redis", "web")
            story = places.Story(**house.script(_TELL))
            for name in wanted:
                place = next(one for one in places.ALL if one.name == name)
                session = story.sessions.get(place.who, "")
                cookie = {"name": house.session_cookie, "value": session, "url": house.url}
                _warm(house, house.url + place.at(story), session)
                reports = []
                for run in range(runs):
                    note(f"{name}, run {run + 1} of {runs}")
                    with _browser(cookie) as port:
                        url = house.url + place.at(story)
                        reports.append(_report(program, url, port, folder))
                yield from _figures(name, reports)
        finally:
            house.stop()
            house.drop_database()


def fetched() -> list[str]:
    """Return how Lighthouse is run, fetched by npm if it is not here yet."""
    found = node.at_hand(ROOT, os.environ["PATH"])
    if found is None or not found.npm:
        raise RuntimeError("There is no Node with npm here; `make test-bridge` fetches one.")
    folder = ROOT / "var" / "lighthouse"
    stamp, lock = folder / "installed-from", (_LOCK / "package-lock.json").read_bytes()
    print_of = hashlib.sha256(lock).hexdigest()
    if not stamp.exists() or stamp.read_text() != print_of:
        note("fetching Lighthouse by npm")
        folder.mkdir(parents=True, exist_ok=True)
        for file in (".npmrc", "package.json", "package-lock.json"):
            shutil.copy(_LOCK / file, folder)
        words = [
            *found.npm,
            "ci",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--loglevel=error",
        ]
        environment = {
            "NODE_USE_SYSTEM_CA": "1",
            **os.environ,
            "PATH": found.path(os.environ["PATH"]),
        }
        subprocess.run(words, cwd=folder, env=environment, check=True, timeout=600, stdout=2)
        stamp.write_text(print_of)
    return [str(found.program), str(folder / "node_modules" / "lighthouse" / "cli" / "index.js")]


def _warm(house: House, url: str, session: str) -> None:
    """Let each process of the web server have shown the page before."""
    for _ in range(12):
        fetch(url, headers={"Cookie": f"{house.session_cookie}={session}"})


@contextmanager
def _browser(cookie: dict[str, str]) -> Iterator[int]:
    """Run a new Chromium that has the cookie, and give the port by which it is steered.

    A cookie among Lighthouse's extra headers is lost with the first one that a page sets.
    """
    program = shutil.which("chromium")
    if program is None:
        raise RuntimeError("There is no Chromium here (Debian: apt-get install chromium).")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="backroom-chromium-", ignore_cleanup_errors=True) as at:
        words = [program, *_CHROMIUM, f"--remote-debugging-port={port}", f"--user-data-dir={at}"]
        process = subprocess.Popen(
            [*words, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=die_with_me,
        )  # fmt: skip
        try:
            steered = f"http://127.0.0.1:{port}"
            wait_until(lambda: fetch(f"{steered}/json/version")[0] == 200, "Chromium answers")
            if cookie["value"]:
                with sync_playwright() as playwright:
                    held = playwright.chromium.connect_over_cdp(steered)
                    held.contexts[0].add_cookies([cookie])  # type: ignore[list-item]
                    held.close()
            yield port
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def _report(program: list[str], url: str, port: int, folder: Path) -> dict[str, Any]:
    out = folder / "report.json"
    words = [*program, url, *_SETTINGS, f"--output-path={out}", f"--port={port}"]
    for _ in range(2):  # Chromium's trace lacks its beginning now and then: "run it again"
        done = subprocess.run(
            words, cwd=folder, capture_output=True, text=True, timeout=180, check=False
        )
        if done.returncode == 0 or "NO_NAVSTART" not in done.stderr:
            break
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-1500:])
    report: dict[str, Any] = json.loads(out.read_text())
    if report["finalDisplayedUrl"].partition("?")[0] != url.partition("?")[0]:
        raise RuntimeError(f"another page came: {report['finalDisplayedUrl']}")
    return report


def _figures(name: str, reports: list[dict[str, Any]]) -> Iterator[Figure]:
    scores = sorted(report["categories"]["performance"]["score"] * 100 for report in reports)
    paints = sorted(_value(report, "largest-contentful-paint") / 1000 for report in reports)
    beside = {
        ours: round(statistics.median(_value(report, theirs) for report in reports), 3)
        for theirs, ours in _BESIDE.items()
    }
    more = {"case": name, "runs": [round(score) for score in scores], **beside}
    yield Figure(
        "lighthouse_score", statistics.median(scores), "of 100", SCORE, at_most=False, more=more
    )
    seconds = [round(paint, 2) for paint in paints]
    more = {"case": name, "runs": seconds}
    yield Figure(
        "lighthouse_paint_seconds", statistics.median(paints), "s", PAINT_SECONDS, more=more
    )


def _value(report: dict[str, Any], audit: str) -> float:
    return float(report["audits"].get(audit, {}).get("numericValue") or 0)
