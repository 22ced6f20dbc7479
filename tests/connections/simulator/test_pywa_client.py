"""A client that others wrote sends everything a business sends, and reads the answers."""

import hashlib

import pytest
from pywa import errors
from pywa.client import WhatsApp
from pywa.types import callback
from pywa.types.others import Contact

from connections.simulator import samples
from tests.connections.simulator.conftest import Shop, until

pytestmark = pytest.mark.processes


def test_a_text_is_accepted_and_listed_with_its_tracker(client: WhatsApp, shop: Shop) -> None:
    sent = client.send_message(to=shop.customer, text="Good *morning*", tracker="outbox-7")

    assert sent.id.startswith("wamid.")
    assert sent.chat.id == shop.customer
    (listed,) = shop.sent()
    assert listed["text"] == "Good *morning*"
    assert (listed["id"], listed["opaque"], listed["to"]) == (sent.id, "outbox-7", shop.customer)


def test_a_number_may_be_written_in_any_way(client: WhatsApp, shop: Shop) -> None:
    written = f"+{shop.customer[:3]} {shop.customer[3:6]}-{shop.customer[6:]}"

    sent = client.send_message(to=written, text="hi")

    assert sent.chat.id == shop.customer


def test_buttons_list_and_link_are_accepted(client: WhatsApp, shop: Shop) -> None:
    buttons = [callback.Button(title=f"Option {n}", callback_data=f"o{n}") for n in (1, 2, 3)]
    rows = [callback.SectionRow(title=f"Row {n}", callback_data=f"r{n}") for n in range(10)]
    menu = callback.SectionList(
        button_title="Open", sections=[callback.Section(title="All", rows=rows)]
    )

    client.send_message(to=shop.customer, text="Which?", header="H", footer="F", buttons=buttons)
    client.send_message(to=shop.customer, text="Choose", buttons=menu)
    client.send_message(
        to=shop.customer,
        text="See",
        buttons=callback.URLButton(title="Shop", url="https://shop.example"),
    )

    kinds = [m["content"]["type"] for m in shop.sent()]
    assert kinds == ["button", "list", "cta_url"]


def test_media_goes_up_out_and_down(client: WhatsApp, shop: Shop) -> None:
    photo = samples.photo()

    media = client.upload_media(media=photo, mime_type="image/png", filename="cloth.png")
    client.send_image(to=shop.customer, image=media.id, caption="Blue")
    found = client.get_media_url(media.id)

    assert found.sha256 == hashlib.sha256(photo).hexdigest()
    assert (found.mime_type, found.file_size) == ("image/png", len(photo))
    assert client.get_media_bytes(url=found.url) == photo
    assert client.delete_media(media.id)
    with pytest.raises(errors.WhatsAppError, match="does not exist"):
        client.get_media_url(media.id)


def test_every_other_kind_is_accepted(client: WhatsApp, shop: Shop) -> None:
    link = "https://files.example/f"
    card = Contact(name=Contact.Name(formatted_name="Ngozi", first_name="Ngozi"))

    client.send_document(to=shop.customer, document=samples.document(), filename="a.pdf")
    client.send_audio(to=shop.customer, audio=samples.voice(), mime_type="audio/ogg")
    client.send_sticker(to=shop.customer, sticker=samples.sticker(), mime_type="image/webp")
    shop.call({"to": shop.customer, "type": "video", "video": {"link": link, "caption": "v"}})
    client.send_location(to=shop.customer, latitude=6.45, longitude=3.39, name="Market")
    client.send_contact(to=shop.customer, contact=card)
    client.request_location(to=shop.customer, text="Where are you?")

    assert [m["type"] for m in shop.sent()] == [
        "document", "audio", "sticker", "video", "location", "contacts", "interactive"
    ]  # fmt: skip


def test_a_reaction_is_put_on_and_taken_off(client: WhatsApp, shop: Shop) -> None:
    (message_id,) = shop.write("hello")

    client.send_reaction(to=shop.customer, emoji="👍", message_id=message_id)
    put_on = shop.simulator.get("chat", phone_number_id=shop.id, customer=shop.customer)
    client.remove_reaction(to=shop.customer, message_id=message_id)
    taken_off = shop.simulator.get("chat", phone_number_id=shop.id, customer=shop.customer)

    assert put_on["messages"][0]["reactions"] == ["👍"]
    assert taken_off["messages"][0]["reactions"] == []


def test_read_mark_and_typing_show_on_the_phone(client: WhatsApp, shop: Shop) -> None:
    first, second = shop.write("one") + shop.write("two")

    assert client.mark_message_as_read(first)
    assert client.indicate_typing(second)

    chat = shop.simulator.get("chat", phone_number_id=shop.id, customer=shop.customer)
    assert [m["status"] for m in chat["messages"]] == ["read", "read"]
    assert 20_000 < chat["typing_ms"] <= 25_000
    client.send_message(to=shop.customer, text="here")
    chat = shop.simulator.get("chat", phone_number_id=shop.id, customer=shop.customer)
    assert chat["typing_ms"] == 0


def test_a_reply_quotes_and_a_user_id_is_a_recipient(client: WhatsApp, shop: Shop) -> None:
    user_id = f"NG.{shop.customer}77"
    (message_id,) = shop.write("hello", **{"from": user_id, "username": "ada.styles"})

    sent = client.send_message(to=user_id, text="hi", reply_to_message_id=message_id)

    assert sent.chat.id == user_id
    (listed,) = shop.sent()
    assert (listed["user_id"], listed["context"]) == (user_id, message_id)
    status = until(lambda: shop.mailbox.items("statuses"))[0]
    assert status["recipient_user_id"] == user_id
    assert "recipient_id" not in status


def test_the_number_and_its_profile_can_be_asked_for(client: WhatsApp, shop: Shop) -> None:
    number = client.get_business_phone_number()
    client.update_business_profile(about="Fabrics", websites=["https://shop.example"])
    profile = client.get_business_profile()
    numbers = client.get_business_phone_numbers()

    assert number.id == shop.id
    assert (number.verified_name or "").startswith("Shop")
    assert number.quality_rating == "GREEN"
    assert profile.about == "Fabrics"
    assert [n.id for n in numbers] == [shop.id]


def test_blocking_needs_a_customer_who_wrote(client: WhatsApp, shop: Shop) -> None:
    stranger = client.block_users(["2348039990000"])
    shop.write("hello")
    blocked = client.block_users([shop.customer])
    until(lambda: shop.mailbox.items("messages"))

    assert [f.input for f in stranger.failed_users] == ["2348039990000"]
    assert [u.input for u in blocked.added_users] == [shop.customer]
    shop.write("can you hear me?")
    assert shop.text().json()["error"]["code"] == 131026
    assert [u.input for u in client.unblock_users([shop.customer]).removed_users] == [shop.customer]
    shop.write("and now?")
    until(lambda: len(shop.mailbox.items("messages")) == 2)
    assert shop.mailbox.items("messages")[-1]["text"]["body"] == "and now?"


def test_registering_needs_a_pin_of_six_digits(client: WhatsApp, shop: Shop) -> None:
    assert client.deregister_phone_number()
    assert shop.text().json()["error"]["code"] == 133010
    assert client.register_phone_number(pin="123456")
    assert shop.text().status_code == 200
