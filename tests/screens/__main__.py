"""Take a picture of every page at the size of a small telephone and of a desk, into docs/screens/.

The pages are those of tests.places, of a business in the middle of its day (tests.story).
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests import places
from tests.house import ROOT, House

SIZES = {"phone": (360, 740), "desk": (1280, 800)}
_TELL = "from tests import story; print(story.tell(slug='mama-put').to_json())"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make screens", description=__doc__)
    parser.add_argument("--only", default=os.environ.get("ONLY", ""), help="pages, by commas")
    parser.add_argument("--into", default=str(ROOT / "docs" / "screens"), help="the folder")
    parser.add_argument("--dark", action="store_true", help="as at night")
    asked = parser.parse_args()
    program = shutil.which("chromium")
    if program is None:
        print("There is no Chromium here (Debian: apt-get install chromium).", file=sys.stderr)
        return 2
    only = {name for name in asked.only.split(",") if name}
    if unknown := only - {place.name for place in places.ALL}:
        print(f"No such page: {', '.join(sorted(unknown))}. See tests/places.py.", file=sys.stderr)
        return 2
    wanted = [place for place in places.ALL if not only or place.name in only]
    folder = Path(asked.into)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="backroom-screens-") as kept:
        house = House(Path(kept), database="backroom_screens")
        try:
            house.manage("migrate", "--noinput", "-v0")
            house.manage("collectstatic", "--noinput", "-v0")
            house.start("redis", "web")
            story = places.Story(**house.script(_TELL))
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
                for size in SIZES:
                    _take(browser, house, story, wanted, size, folder, is_dark=asked.dark)
                browser.close()
        finally:
            house.stop()
            house.drop_database()
    return 0


def _take(
    browser: Browser,
    house: House,
    story: places.Story,
    wanted: list[places.Place],
    size: str,
    folder: Path,
    *,
    is_dark: bool,
) -> None:
    width, height = SIZES[size]
    cookie = house.session_cookie
    for who in dict.fromkeys(place.who for place in wanted):
        with browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if is_dark else "light",
            reduced_motion="reduce",
        ) as context:
            if who != "nobody":
                context.add_cookies(
                    [{"name": cookie, "value": story.sessions[who], "url": house.url}]
                )
            page = context.new_page()
            for place in (place for place in wanted if place.who == who):
                page.goto(house.url + place.at(story), wait_until="networkidle")
                # As high as the page is, so that what sticks to the edge stays there.
                whole = page.evaluate("document.documentElement.scrollHeight")
                page.set_viewport_size({"width": width, "height": max(height, whole)})
                page.screenshot(path=folder / f"{place.name}-{size}.jpg", type="jpeg", quality=78)
                page.set_viewport_size({"width": width, "height": height})
                print(f"{place.name}-{size}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
