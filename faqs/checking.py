"""What an entry may say: one cleaning and one set of rules for pages, files and templates."""

import hashlib
import re
import unicodedata
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

MAX_FAQ_ID = 64
MAX_QUESTION = 300
MAX_ANSWER = 4_096  # one WhatsApp text message
MAX_CATEGORY = 60
MAX_KEYWORDS = 300
MAX_PHRASING = 300
MAX_PHRASINGS = 100
# WhatsApp folds a longer message and shows "Read more".
FOLDED_AFTER = 1_000

_FAQ_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_FAQ_ID}}}")
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# Zero-width characters and the controls that reorder text; the harmless left-to-right and
# right-to-left marks stay, and so do the joiners inside emoji and in scripts that need them.
_INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b\u2060-\u2064\u202a-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb]"
    "|(?<![^\x00-\u024f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\u024f])"
    # Tag characters can carry hidden instructions; only the flags of nations need them.
    "|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]+"
)
_ACCOUNT = re.compile(r"(?<![\d+])\d(?:[ -]?\d){9}(?![\d])")
_LINK = re.compile(r"(?i)\bhttps?://|\bwww\.|\b[a-z0-9-]{2,63}\.(?:com|ng|net|org|shop|store|co)\b")
_INSTRUCTION = re.compile(
    r"(?i)\b(?:ignore|disregard|forget)\b.{0,30}\b(?:instructions?|rules|prompts?)\b"
    r"|\bsystem prompt\b|\byou are (?:now )?(?:an? )?(?:ai|assistant|chatbot|language model)\b"
    r"|\b(?:as|act as) an ai\b|<\|?(?:system|im_start)\|?>"
)
# What an example leaves to its owner: [price]. Not the text of a link in Markdown.
_BLANK = re.compile(r"\[([^\[\]\n]{1,80})\](?!\()")
_TRUE = frozenset({"", "true", "yes", "1", "on", "y"})
_FALSE = frozenset({"false", "no", "0", "off", "n"})


@dataclass(frozen=True)
class Draft:
    """The content of an entry, cleaned; nothing says yet that it may be saved."""

    question: str
    answer: str
    category: str = ""
    keywords: str = ""
    is_active: bool = True
    phrasings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problem:
    """Why a draft may not be saved: the field, and a sentence for its owner."""

    field: str
    sentence: str


def clean(text: str) -> str:
    """Return `text` without control and invisible characters; line breaks become \\n."""
    if text.isprintable():
        return text.strip()  # most cells of most files, and three times as fast
    text = _CONTROLS.sub("", _LINE_ENDS.sub("\n", text)).replace("\t", " ")
    return _INVISIBLE.sub("", text).strip()


def has_invisible(text: str) -> bool:
    """Say whether `clean` would take out characters that nobody can see."""
    return not text.isprintable() and bool(_INVISIBLE.search(text))


def one_line(text: str) -> str:
    """Return cleaned `text` with every run of spaces and line breaks as one space."""
    return " ".join(clean(text).split())


def key(question: str) -> str:
    """Return what two spellings of the same question have in common."""
    return " ".join(unicodedata.normalize("NFKC", question).casefold().split())


def split_phrasings(text: str) -> list[str]:
    """Return the phrasings of one cell, which are separated by `|`."""
    return [part for part in map(one_line, text.split("|")) if part]


def truth(text: str) -> bool | None:
    """Return what `active` says; empty means yes, and None that it cannot be understood."""
    word = text.strip().casefold()
    return True if word in _TRUE else False if word in _FALSE else None


def is_faq_id(text: str) -> bool:
    """Say whether `text` may be the stable name of an entry."""
    return bool(_FAQ_ID.fullmatch(text))


def name_for(question: str, *, taken: Container[str]) -> str:
    """Return a stable faq_id for `question` that is not in `taken`."""
    plain = unicodedata.normalize("NFKD", question).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "_", plain.replace("'", "")).strip("_")
    stem = words[:48].rsplit("_", 1)[0] if len(words) > 48 else words
    if not stem:
        digest = hashlib.sha256(key(question).encode()).hexdigest()
        stem = f"q_{digest[:8]}"
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    return name


def draft(
    *,
    question: str,
    answer: str,
    category: str = "",
    keywords: str = "",
    is_active: bool = True,
    phrasings: Iterable[str] = (),
) -> Draft:
    """Return the cleaned content; phrasings that repeat the question or each other fall away."""
    shown = one_line(question)
    kept: dict[str, str] = {key(shown): ""}
    for phrasing in phrasings:
        for part in split_phrasings(phrasing):
            kept.setdefault(key(part), part)
    return Draft(
        question=shown,
        answer=clean(answer),
        category=one_line(category),
        keywords=one_line(keywords),
        is_active=is_active,
        phrasings=tuple(part for part in kept.values() if part),
    )


def problems(content: Draft) -> list[Problem]:
    """Return why `content` may not be saved, most important first; empty when it may."""
    found: list[Problem] = []
    if not content.question:
        found.append(Problem("question", "The question is empty."))
    if not content.answer:
        found.append(Problem("answer", "The answer is empty."))
    if len(content.answer) > MAX_ANSWER:
        found.append(
            Problem(
                "answer",
                f"WhatsApp allows {MAX_ANSWER:,} characters; this answer has "
                f"{len(content.answer):,}: shorten it or split it in two.",
            )
        )
    for name, text, most in (
        ("question", content.question, MAX_QUESTION),
        ("category", content.category, MAX_CATEGORY),
        ("keywords", content.keywords, MAX_KEYWORDS),
    ):
        if len(text) > most:
            found.append(
                Problem(name, f"The {name} may have {most} characters; {len(text):,} is too long.")
            )
    if len(content.phrasings) > MAX_PHRASINGS:
        found.append(
            Problem(
                "phrasings",
                f"{len(content.phrasings):,} other ways to ask are too many; {MAX_PHRASINGS} is "
                "the most.",
            )
        )
    for phrasing in content.phrasings:
        if len(phrasing) > MAX_PHRASING:
            found.append(
                Problem(
                    "phrasings",
                    f"A way to ask may have {MAX_PHRASING} characters; “{phrasing[:30]}…” has "
                    f"{len(phrasing):,}.",
                )
            )
            break
    return found


def blanks(text: str) -> list[str]:
    """Return what still has to be filled in, as it stands in [square brackets]; each once."""
    return list(dict.fromkeys(found.strip() for found in _BLANK.findall(text) if found.strip()))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with the blanks that `values` has something for filled in."""
    return _BLANK.sub(lambda found: values.get(found[1].strip(), "") or found[0], text)


def warnings(content: Draft) -> list[str]:
    """Return what the owner should look at before customers read `content`."""
    found = []
    if _ACCOUNT.search(content.answer):
        found.append("Looks like an account number: check every digit.")
    if len(content.answer) > FOLDED_AFTER:
        found.append(
            f"The answer has {len(content.answer):,} characters: WhatsApp shows the first part "
            "and “Read more”."
        )
    if left := blanks(content.answer):
        found.append(f"Has a blank to fill in: {', '.join(f'[{name}]' for name in left[:5])}.")
    if _LINK.search(content.answer):
        found.append("Contains a link: open it once to be sure that it works.")
    if any(_INSTRUCTION.search(text) for text in (content.question, content.answer)):
        found.append("Reads like an instruction to a computer, not like an answer to a customer.")
    return found
