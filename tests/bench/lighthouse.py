"""Pages as a cheap telephone on 3G gets them, judged by Lighthouse: `make bench ONLY=lighthouse`.

A real web process, the business of tests.story, Chromium, simulated throttling. Lighthouse comes by
npm into var/lighthouse (package-lock.json beside this), 186 MB unpacked, so it runs when asked for only.
"""

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.local import node
from tests import places
from tests.bench.figure import Figure
from tests.bench.town import note
from tests.house import ROOT, House

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
_CHROMIUM = "--headless=new --no-sandbox --disable-gpu --no-first-run"
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
                headers = _headers(folder, house, story.sessions.get(place.who, ""))
                url = house.url + place.at(story)
                reports = []
                for run in range(runs):
                    note(f"{name}, run {run + 1} of {runs}")
                    reports.append(_report(program, url, headers, folder))
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


def _headers(folder: Path, house: House, session: str) -> Path:
    """Lay down who asks in a file: other people of this machine can read arguments."""
    path = folder / "headers.json"
    path.touch(mode=0o600)
    cookie = {"Cookie": f"{house.session_cookie}={session}"} if session else {}
    path.write_text(json.dumps(cookie))
    return path


def _report(program: list[str], url: str, headers: Path, folder: Path) -> dict[str, Any]:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise RuntimeError("There is no Chromium here (Debian: apt-get install chromium).")
    out = folder / "report.json"
    words = [*program, url, *_SETTINGS, f"--output-path={out}", f"--extra-headers={headers}"]
    done = subprocess.run(
        [*words, f"--chrome-flags={_CHROMIUM}"],
        env={**os.environ, "CHROME_PATH": chromium}, cwd=folder,
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
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
