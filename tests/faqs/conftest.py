"""The language model, for the tests that need it."""

from tests.encoder import encoder as encoder
