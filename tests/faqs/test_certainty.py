"""Confidence: rises with what speaks for an entry; three manners, each bolder than the one before."""

from dataclasses import replace

import pytest

from faqs.engine import certainty
from faqs.engine.asking import Evidence

SOME = Evidence(fit=1.0, lead=0.5, share=0.5, words=5)


def test_more_evidence_makes_surer() -> None:
    assert certainty.of(replace(SOME, fit=2.0)) > certainty.of(SOME)
    assert certainty.of(replace(SOME, lead=0.9)) > certainty.of(SOME)
    assert 0 < certainty.of(replace(SOME, fit=-99, share=0.0)) < 0.1
    assert 0.9 < certainty.of(replace(SOME, fit=99, lead=1.0, share=1.0)) < 1


def test_manners_grow_bolder() -> None:
    careful = certainty.thresholds("careful")
    balanced, eager = certainty.thresholds("balanced"), certainty.thresholds("eager")

    assert careful.answer > balanced.answer > eager.answer
    assert careful.menu >= balanced.menu >= eager.menu
    assert all(0 < one.menu < one.answer < 1 for one in (careful, balanced, eager))


def test_zones_lie_between_the_two_thresholds() -> None:
    limits = certainty.Thresholds(answer=0.6, menu=0.2)

    zones = [certainty.zone(value, limits) for value in (0.6, 0.59, 0.2, 0.19)]
    assert zones == ["answer", "menu", "menu", "none"]


def test_weights_survive_being_written() -> None:
    again = certainty.read(certainty.written(certainty.shipped()))

    assert again.zones == certainty.shipped().zones
    assert again.of == pytest.approx(certainty.shipped().of)
