"""Texts that mean the same, put together: average linkage over the directions of their vectors.

Pure numpy; a thousand texts take some hundredths of a second.
"""

import numpy as np
from numpy.typing import NDArray

from faqs.engine.features import Floats

APART = 0.5  # how far groups may be from each other on average; chosen on the development sets


def group(vectors: Floats, *, apart: float = APART) -> list[list[int]]:
    """Return the places of vectors of length 1 by groups, each in order.

    Follows each text to its nearest neighbour until two are nearest to each other, and joins
    them if they are near enough. What has nobody near enough is done with: the distance to a
    joined group lies between those to its parts, so nobody comes nearer later.
    """
    away = 1 - vectors @ vectors.T
    np.fill_diagonal(away, np.inf)
    members = {place: [place] for place in range(len(vectors))}
    done: list[list[int]] = []
    chain: list[int] = []
    while members:
        if not chain:
            chain.append(next(iter(members)))
        last = chain[-1]
        nearest = int(away[last].argmin())
        # Of two that are equally near, the one it came from: else it could go round for ever.
        if len(chain) > 1 and away[last, chain[-2]] <= away[last, nearest]:
            nearest = chain[-2]
        if away[last, nearest] > apart:
            done.extend(_finish(members, away, chain))
            chain = []
        elif len(chain) > 1 and nearest == chain[-2]:
            _join(members, away, last, nearest)
            chain = chain[:-2]
        else:
            chain.append(nearest)
    return sorted(sorted(own) for own in done)


def _join(members: dict[int, list[int]], away: Floats, one: int, other: int) -> None:
    """Put `other` into `one`: its distances are the mean over the texts of both."""
    mine, theirs = len(members[one]), len(members[other])
    mean = (away[one] * mine + away[other] * theirs) / (mine + theirs)
    away[one], away[:, one] = mean, mean
    away[one, one] = np.inf
    away[other], away[:, other] = np.inf, np.inf
    members[one] += members.pop(other)


def _finish(members: dict[int, list[int]], away: Floats, chain: list[int]) -> list[list[int]]:
    """Take out those of a chain: each was nearer to the next one, and that has nobody near."""
    away[chain], away[:, chain] = np.inf, np.inf
    return [members.pop(place) for place in chain]


def typical(vectors: Floats, counts: NDArray[np.int64]) -> int:
    """Return the place of the vector that is nearest to all, each counted as often as it came."""
    return int((vectors @ (vectors * counts[:, None]).sum(axis=0)).argmax())
