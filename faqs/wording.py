"""What a message says, spelled one way: folded, abbreviations written out, meanings added."""

import csv
import itertools
import re
import sys
import unicodedata
from collections import Counter
from functools import lru_cache
from pathlib import Path

# More than this is never needed to see what somebody asks, and keeps the time bounded.
MAX_CHARACTERS = 1_000
_DATA = Path(__file__).resolve().parent / "data"
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NGRAM_SIZES = (2, 3, 4)
_LONGEST_PHRASE = 4
_LONGEST_KEPT = 20  # letters of a word whose pieces are remembered


@lru_cache(maxsize=1)
def abbreviations() -> dict[str, list[str]]:
    """Return what short and Pidgin spellings mean (`data/abbreviations.csv`)."""
    return {row["written"]: row["means"].split() for row in _read("abbreviations.csv")}


@lru_cache(maxsize=1)
def fillers() -> frozenset[str]:
    """Return words that are polite and say nothing about the question (`data/fillers.csv`)."""
    return frozenset(row["word"] for row in _read("fillers.csv"))


@lru_cache(maxsize=1)
def meanings() -> dict[tuple[str, ...], str]:
    """Return the meaning of words and phrases that customers use alike (`data/synonyms.csv`)."""
    return {
        tuple(spelled(phrase)): row["meaning"]
        for row in _read("synonyms.csv")
        for phrase in row["words"].split("|")
    }


def spelled(text: str) -> list[str]:
    """Return the words of `text` in lower case, without accents, abbreviations written out."""
    plain = text[:MAX_CHARACTERS]
    if plain.isascii():
        plain = plain.lower()  # nothing to fold
    else:
        plain = unicodedata.normalize("NFKD", plain).casefold()
        plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    known = abbreviations()
    words: list[str] = []
    for found in _WORD.findall(plain[: 2 * MAX_CHARACTERS]):
        word = found if found.isalnum() else found.replace("'", "").replace("’", "")
        if word in known:
            words.extend(known[word])
        else:
            words.append(word)
    return words


def words(text: str) -> list[str]:
    """Return the spelled words without fillers, unless there is nothing else."""
    every, polite = spelled(text), fillers()
    return [word for word in every if word not in polite] or every


def meanings_in(said: list[str]) -> set[str]:
    """Return the meanings of the words and phrases in `said`."""
    known, meant = meanings(), meaningful()
    found = set()
    for start in range(len(said)):
        if said[start] not in meant:
            continue
        for end in range(start + 1, min(start + _LONGEST_PHRASE, len(said)) + 1):
            meaning = known.get(tuple(said[start:end]))
            if meaning:
                found.add(meaning)
    return found


@lru_cache(maxsize=1)
def meaningful() -> frozenset[str]:
    """Return every word that is part of a meaning."""
    return frozenset(word for phrase in meanings() for word in phrase)


def pieces(said: list[str]) -> dict[str, int]:
    """Return how often each piece of two to four letters occurs; ` ` marks a word's edge."""
    return Counter(
        itertools.chain.from_iterable(
            _pieces_kept(word) if len(word) <= _LONGEST_KEPT else _pieces_of(word) for word in said
        )
    )


def _pieces_of(word: str) -> tuple[str, ...]:
    padded = f" {word} "
    return tuple(
        sys.intern(padded[start : start + size])  # one object, however often
        for size in _NGRAM_SIZES
        for start in range(max(1, len(padded) - size + 1))
    )


# The same few thousand words are nearly all that anybody writes. Bounded to some megabytes.
_pieces_kept = lru_cache(maxsize=4_096)(_pieces_of)


def _read(name: str) -> list[dict[str, str]]:
    with (_DATA / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
