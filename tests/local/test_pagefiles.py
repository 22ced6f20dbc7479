import os
from pathlib import Path

from config.local import pagefiles
from config.local.folders import Folder


def test_files_are_collected_again_only_after_a_change(tmp_path: Path) -> None:
    folder = Folder(project=tmp_path, data=tmp_path / "var")
    collected = tmp_path / "var/static/page.css"
    source = tmp_path / "static/css/page.css"
    for path in (collected, source):
        path.parent.mkdir(parents=True)
        path.write_text("a {}")

    assert not pagefiles.are_collected(folder)
    pagefiles.note_collected(folder)
    collected.write_text("written by collecting")
    assert pagefiles.are_collected(folder)
    source.write_text("b {}")
    os.utime(source, ns=(1, 1))
    assert not pagefiles.are_collected(folder)
