"""The test house is started as the real one is."""

from pathlib import Path

import pytest

from config.local import procfile
from tests.house import ROOT, House

LINES = procfile.read(ROOT / "Procfile")


@pytest.mark.parametrize("name", LINES)
def test_a_process_is_started_with_the_words_of_the_procfile(name: str, tmp_path: Path) -> None:
    house = House(tmp_path, database="none", fresh=False)

    words = procfile.expand(LINES[name], house.environment)
    more = ["--schedule", str(tmp_path / "beat")] if name == "beat" else []
    assert house._command(name) == [*words, *more]
