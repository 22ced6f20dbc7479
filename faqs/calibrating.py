"""How sure an answer is, by what people said in this very workspace (Label)."""

import numpy as np
from numpy.typing import NDArray

from faqs import labels
from faqs.engine import asking, certainty
from faqs.engine.answering import Answerer
from faqs.engine.certainty import Weights
from faqs.models import Label

_MOST = 1_000  # the latest: a shop changes
# What ships counts for each weight as much as so many labels: it has seen thousands, elsewhere.
_PRIOR_LABELS = 100
_ROUNDS = 25


def fit(answerer: Answerer) -> Weights | None:
    """Return the weights that explain the labels of the workspace in scope; None: too few yet.

    The thresholds stay: they say how sure to be, and only what "sure" means is fitted.
    """
    said = list(
        Label.objects.order_by("-created_at", "-pk").values_list("text", "entry_id")[:_MOST]
    )
    if len(said) < labels.LEAST:
        return None
    asked = [(text, entry_id) for text, entry_id in said if not answerer.smalltalk(text)]
    readings = [answerer.read(text)[0] for text, _ in asked]
    ranked = asking.ask(answerer.model, readings, answerer.encoder, limit=1)
    found = [
        (certainty.numbers(best[0].evidence), answerer.model.entries[best[0].place] == entry_id)
        for best, (_, entry_id) in zip(ranked, asked, strict=True)
        if best
    ]
    if len(found) < labels.LEAST:
        return None
    numbers = np.array([one for one, _ in found], dtype=np.float64)
    return refit(numbers, np.array([right for _, right in found]))


def refit(numbers: NDArray[np.float64], is_right: NDArray[np.bool_]) -> Weights:
    """Return the most likely weights for rows of `certainty.numbers`, the shipped ones as prior.

    A logistic regression by Newton's method; the prior is a normal one around the shipped
    weights, as strong as _PRIOR_LABELS rows of this workspace.
    """
    shipped = certainty.shipped()
    rows = np.column_stack([np.ones(len(numbers)), numbers])
    centre = np.array([shipped.bias, *shipped.of])
    # How strongly a row speaks for each weight, on average: the prior's unit.
    strength = _PRIOR_LABELS * np.maximum((rows**2).mean(axis=0) / 4, 1e-3)
    found = centre.copy()
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ found, -30, 30)))
        slope = rows.T @ (is_right - chance) - strength * (found - centre)
        spread = (chance * (1 - chance))[:, None]
        step = np.linalg.solve(rows.T @ (rows * spread) + np.diag(strength), slope)
        found = found + np.clip(step, -2, 2)
    return Weights(float(found[0]), tuple(map(float, found[1:])), shipped.zones)
