"""The language model, for the tests that need it."""

import os

import pytest

from faqs.encoder import encoding


@pytest.fixture(scope="session")
def encoder() -> encoding.Encoder:
    """The process's encoder. Where the model could not be fetched, its tests are left out; never in CI."""
    try:
        return encoding.shared()
    except encoding.UnableToEncode as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
