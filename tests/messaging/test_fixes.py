"""For every way in which a matter ends there is something to do, or the word that nothing is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from connections.providers.base import Code
from messaging import fixes

ROOT = Path(settings.BASE_DIR)
# Where a reason is not written out: what it can be there.
_MADE = {"handover_": ["handover_faq_none", "handover_asked_for_person"]}


def _calls() -> Iterator[ast.Call]:
    for path in sorted((ROOT / "messaging").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield node


def _named(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _is_end(call: ast.Call) -> bool:
    """Say whether a call makes a step that stops or decides."""
    if _named(call) in ("stopped", "acted"):
        return len(call.args) >= 2
    verdict = call.args[1] if _named(call) == "Verdict" and len(call.args) > 2 else None
    return isinstance(verdict, ast.Constant) and verdict.value in ("stop", "act")


def _reason(call: ast.Call) -> ast.expr:
    return call.args[2] if _named(call) == "Verdict" else call.args[1]


def reasons() -> set[str]:
    """Return every reason that a step of the code can end a matter with."""
    found: set[str] = set()
    for call in filter(_is_end, _calls()):
        reason = _reason(call)
        if isinstance(reason, ast.Constant):
            found.add(str(reason.value))
        elif isinstance(reason, ast.Name):
            continue  # `stopped` and `acted` themselves hand it on
        else:
            begin = next(
                str(part.value) for part in ast.walk(reason) if isinstance(part, ast.Constant)
            )
            found.update(_MADE[begin])
    return found


def test_every_reason_that_ends_a_matter_has_a_fix_or_says_that_there_is_nothing_to_fix() -> None:
    found = reasons()

    assert len(found) > 30
    assert sorted(found - set(fixes.REASONS)) == []


def test_every_error_of_a_send_has_one() -> None:
    assert {str(code) for code in Code} == set(fixes.FAILURES)


@pytest.mark.parametrize("fix", [*fixes.REASONS.values(), *fixes.FAILURES.values()])
def test_a_button_leads_somewhere_and_a_sentence_without_one_says_so(fix: fixes.Fix) -> None:
    assert str(fix.sentence)
    if not fix.label:
        assert not fix.to
    elif fix.about != "below":
        args = ["acme", 1] if fix.about in ("conversation", "entry") else ["acme"]
        assert reverse(fix.to, args=args)


def test_an_unknown_reason_is_not_left_without_a_word() -> None:
    assert "support" in str(fixes.fitting(reason="from_a_later_version").sentence)
    assert "yet" in str(fixes.fitting(reason="").sentence)
