"""Fitting the confidence: better evidence is surer, and the zones keep what they promise."""

import numpy as np
import pytest

from faqs.engine import fit


def asked(folder: str, phrasings: int, seed: int) -> fit.Asked:
    """Questions whose first number says, with some noise, whether the answer is right."""
    dice = np.random.default_rng(seed)
    is_covered = dice.random(400) < 0.7
    is_right = is_covered & (dice.random(400) < 0.8)
    numbers = dice.normal(size=(400, 4))
    numbers[:, 0] += 2.5 * is_right
    return fit.Asked(folder, phrasings, numbers, is_right, is_covered)


@pytest.fixture(scope="module")
def known() -> list[fit.Asked]:
    return [
        asked(folder, phrasings, seed)
        for seed, (folder, phrasings) in enumerate(
            (folder, phrasings) for folder in ("one", "two", "three") for phrasings in (3, 5)
        )
    ]


def test_what_tells_is_weighed(known: list[fit.Asked]) -> None:
    fitted = fit.fit(known)

    assert fitted.of[0] > 1
    assert all(abs(weight) < 0.3 for weight in fitted.of[1:])


def test_zones_keep_their_targets(known: list[fit.Asked]) -> None:
    fitted = fit.fit(known)

    for manner, (answered, with_menu) in fit.TARGETS.items():
        limits = fitted.zones[manner]
        shares = np.mean([one.shares(fit.sure(fitted, one), limits) for one in known], axis=0)
        assert shares[3] <= answered
        assert shares[3] + shares[4] <= with_menu + 1e-9
        assert shares[0] > shares[1]


def test_report_has_a_line_for_each_folder(
    known: list[fit.Asked], capsys: pytest.CaptureFixture[str]
) -> None:
    fitted = fit.fit(known)

    fit.report("Fitted on all", dict.fromkeys(("one", "two", "three"), fitted), known)

    lines = capsys.readouterr().out.splitlines()
    assert sum("three" in line for line in lines) == 2 * len(fit.TARGETS)
    assert sum("mean" in line for line in lines) == 2 * len(fit.TARGETS)
