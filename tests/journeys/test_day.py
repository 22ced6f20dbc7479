"""A day in the browser: two people at one chat, an import put right, a message explained, a team."""

import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.house import House, wait_until
from tests.places import Story

pytestmark = [
    pytest.mark.processes,
    pytest.mark.browser,
]
_TELL = "from tests import story; print(story.tell(slug='mama-put').to_json())"
# The page looks every five seconds.
_BY_THE_POLL_MS = 9_000
_IMPORT = (
    b"question,answer,category\n"
    b"Do you have aso-oke?,Yes. From 15000 a set.,Prices\n"
    b"Where can I park?,,Shop\n"
    b",Nobody asked this.,Shop\n"
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("day"), database="backroom_day")
    try:
        house.manage("migrate", "--noinput", "-v0")
        house.manage("collectstatic", "--noinput", "-v0")
        house.start("redis", "edge", "simulator", "web", "worker", "sender", "bulk", "beat")
        yield house
    finally:
        house.stop()
        house.drop_database()


@pytest.fixture(scope="module")
def story(house: House) -> Story:
    return Story(**house.script(_TELL))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


Opened = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, house: House, story: Story) -> Iterator[Opened]:
    """Open a browser of its own for somebody; whatever its console complains of fails the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_for(
        who: str = "", *, width: int = 1280, has_script: bool = True, is_still: bool = False
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 740},
            java_script_enabled=has_script,
            reduced_motion="reduce" if is_still else "no-preference",
        )
        contexts.append(context)
        if who:
            cookie = {"name": house.session_cookie, "value": story.sessions[who], "url": house.url}
            context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        return page

    yield open_for
    for context in contexts:
        context.close()
    assert problems == []


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def code_for(house: House, who: str) -> str:
    """Return the newest code that was sent to an address, from the log."""

    def codes() -> list[str]:
        mail = house.log("web").rpartition(f"To: {who}")[2]
        return re.findall(r"^\d{6}$", mail, re.M)

    wait_until(lambda: bool(codes()), "the code is sent", house, seconds=10)
    return codes()[0]


def sign_up(page: Page, house: House, who: str) -> None:
    page.locator("input[type=email]").fill(who)
    press(page, "Send me a code")
    page.get_by_label("Code").fill(code_for(house, who))
    press(page, "Confirm")


def test_two_people_at_one_chat_are_told_who_has_it(
    opened: Opened, house: House, story: Story
) -> None:
    thread = f"{house.url}/w/{story.slug}/conversations/{story.conversation_id}/"
    ada, bola = opened("manager"), opened("agent", width=360)
    ada.goto(thread)
    bola.goto(thread)
    heads = [page.locator("#talk-head") for page in (ada, bola)]

    # Both in the same moment: neither press waits for what comes of the other.
    for page in (ada, bola):
        page.evaluate(
            "() => { [...document.querySelectorAll('#talk-head button')]"
            ".find(b => b.textContent === 'Take over').click(); }"
        )
    told = [page.locator(".toast") for page in (ada, bola)]
    for toast in told:
        expect(toast.first).to_be_visible()
    said = [toast.first.inner_text() for toast in told]
    taken = [text for text in said if text.startswith("You have this conversation now")]
    assert len(taken) == 1, said
    name = "Ada" if said[0] in taken else "Bola"
    for head in heads:
        expect(head.locator(".chip", has_text=name).locator("visible=true")).to_have_count(
            1, timeout=_BY_THE_POLL_MS
        )

    # Whoever has it gives it back; the other one sees it without a touch.
    holder, other = (ada, bola) if name == "Ada" else (bola, ada)
    press(holder, "Give to the bot")
    expect(other.get_by_role("button", name="Take over", exact=True)).to_be_visible(
        timeout=_BY_THE_POLL_MS
    )


def test_an_import_with_mistakes_is_put_right_and_taken_back(
    opened: Opened, house: House, story: Story
) -> None:
    page = opened("owner", width=360)
    page.goto(f"{house.url}/w/{story.slug}/faqs/import/")
    file = {"name": "new.csv", "mimeType": "text/csv", "buffer": _IMPORT}
    page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    press(page, "Upload and check")

    expect(page.locator("#summary")).to_contain_text("2 cannot be added", timeout=30_000)
    row = page.locator("#row-3")
    row.get_by_text("Put it right").click()
    row.locator("textarea").fill("Behind the shop, free of charge.")
    press(page, "Check it again")
    expect(row).to_contain_text("New")
    expect(page.locator("#summary")).to_contain_text("1 cannot be added")
    page.locator("#row-4").get_by_role("button", name="Leave out").click()
    expect(page.locator("#summary")).to_contain_text("1 left out")
    press(page, "Add 2 answers")

    expect(page.locator(".toast")).to_contain_text("2 added", timeout=30_000)
    press(page, "Undo this import")
    expect(page.locator("#summary")).to_contain_text("Taken back")


def test_the_why_page_leads_to_the_answer_that_was_missing(
    opened: Opened, house: House, story: Story
) -> None:
    page = opened("owner", width=360)
    page.goto(f"{house.url}/w/{story.slug}/why/?id={story.asked_id}")
    expect(page.locator(".verdict")).to_contain_text("None of your answers fits")

    page.get_by_role("link", name="Add an answer for this").first.click()

    expect(page.locator("[name=question]")).to_have_value(
        "Yes. How much is delivery to Epe on Sunday?"
    )


def test_the_bot_is_off_and_on_again_from_a_chat_on_a_phone(
    opened: Opened, house: House, story: Story
) -> None:
    # Who wants no motion sees the toast, and its Undo, as long as anybody else.
    page = opened("owner", width=360, is_still=True)
    page.goto(f"{house.url}/w/{story.slug}/conversations/{story.conversation_id}/")
    page.locator("#edge > summary").click()
    expect(page.get_by_role("link", name="Number connected")).to_be_visible()
    press(page, "Off: nobody")

    expect(page.locator("#edge > summary")).to_have_text("Bot off")
    expect(page).to_have_url(re.compile(rf"/conversations/{story.conversation_id}/$"))
    press(page, "Undo")
    expect(page.locator("#edge > summary")).to_have_text("Bot on")


def test_a_teammate_joins_by_the_link(opened: Opened, house: House, story: Story) -> None:
    owner, mate = opened("owner", width=360), opened(width=360)
    owner.goto(f"{house.url}/w/{story.slug}/settings/team/")
    owner.get_by_text("By WhatsApp", exact=True).click()
    owner.locator("#link_role").select_option("agent")
    press(owner, "Make the link")
    link = owner.locator("#join-url").input_value()

    mate.goto(link)
    mate.get_by_role("link", name="I am new: make an account").click()
    sign_up(mate, house, "kemi@mate.example")
    press(mate, "Join Mama Put Fabrics")

    mate.goto(f"{house.url}/w/{story.slug}/conversations/")
    expect(mate.get_by_role("heading", name="Inbox")).to_be_visible()
    owner.reload()
    expect(owner.locator("#team")).to_contain_text("kemi@mate.example")
    mate.goto(link)
    expect(mate.get_by_role("heading", name="You belong to Mama Put Fabrics")).to_be_visible()


def test_all_of_it_works_without_script(opened: Opened, house: House) -> None:
    page = opened(width=360, has_script=False)
    page.goto(f"{house.url}/accounts/signup/")
    sign_up(page, house, "plain@put.example")
    page.get_by_label("Name of your business").fill("Plain Put")
    page.get_by_label("What do you do?").select_option(label="Fashion and fabrics")
    press(page, "Go on")
    page.get_by_text("No number yet: pretend phone").click()
    page.get_by_text("Nowhere yet: begin with examples").click()
    page.get_by_role("button", name=re.compile(r"^Add \d+ answers")).click()
    page.locator("#go-on button").click()
    page.locator(".asks button").first.click()
    expect(page.locator(".bubble.out")).to_have_count(1)
    page.locator("#go-on button").click()
    press(page, "Go live")

    # The customer's phone is somebody else's, with script.
    phone = opened()
    phone.goto(str(page.get_by_role("link", name="Open the pretend phone").get_attribute("href")))
    # Until it knows the business, what is typed is cleared.
    expect(phone.locator("#title")).to_have_text("Plain Put", timeout=20_000)
    expect(phone.locator("#suggestions, #bubbles li").first).to_be_visible()
    phone.locator("#text").fill("Hello")
    phone.locator("#text").press("Enter")
    # The page looks again by itself, in its own way.
    expect(page.locator("#hello .done")).to_have_count(3, timeout=40_000)
    press(page, "To my home page")
    base = page.url

    page.goto(f"{base}conversations/")
    page.locator(".talks a").first.click()
    page.locator("#reply-form textarea").fill("A person says hello, too.")
    page.locator("#reply-form textarea").press("Tab")
    page.locator("#reply-form button.main").click()
    expect(page.locator(".bubble", has_text="A person says hello, too.")).to_be_visible()
    expect(phone.locator("#bubbles")).to_contain_text("A person says hello", timeout=20_000)

    page.goto(f"{base}faqs/import/")
    file = {"name": "new.csv", "mimeType": "text/csv", "buffer": _IMPORT}
    page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    press(page, "Upload and check")
    page.locator("#row-3").get_by_text("Put it right").click()
    page.locator("#row-3 textarea").fill("Behind the shop.")
    press(page, "Check it again")
    press(page, "Add 2 answers")
    expect(page.locator("#summary")).to_contain_text("Undo this import")

    page.goto(base)
    press(page, "Off")
    expect(page.locator(".segments [aria-pressed=true]")).to_have_text("Off")
