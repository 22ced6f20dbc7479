"""How far the bot is with learning the answers as they are: an estimate, for a bar."""

from dataclasses import dataclass
from datetime import UTC, datetime

from faqs import versions
from faqs.models import TrainedModel
from faqs.quality import learnt

# Where nothing was learnt before. Half a second for each hundred answers is slow.
_LEAST_SECONDS = 5.0
_SECONDS_EACH = 0.02
_WAKE_SECONDS = 3.0
_MOST = 95  # an estimate never says that it is done
# After so long nobody looks at a bar; the page about quality says what is the matter.
_GIVEN_UP_SECONDS = 15 * 60


@dataclass(frozen=True)
class Progress:
    """What a bar shows. It is asked for again while `is_learning`."""

    is_learning: bool
    percent: int
    entry_count: int
    is_by_words: bool  # this server has no language model: there is nothing to wait for


def progress(*, now: datetime) -> Progress:
    """Return how far the model of the workspace in scope is; four queries."""
    found = learnt.state()
    if found.state not in ("first", "behind"):
        return Progress(False, 100, found.entry_count, found.state == "missing")
    # The entries' number is the moment of their last change, in microseconds.
    changed_at = datetime.fromtimestamp(versions.current().entries / 1_000_000, UTC)
    passed = max(0.0, (now - changed_at).total_seconds())
    last = (
        TrainedModel.objects.order_by("-trained_at").values_list("seconds", "entry_count").first()
    )
    seconds, count = last or (0.0, found.entry_count)
    expected = max(_LEAST_SECONDS, seconds * 1.5, count * _SECONDS_EACH) + _WAKE_SECONDS
    percent = min(_MOST, round(100 * passed / expected))
    return Progress(passed < _GIVEN_UP_SECONDS, percent, found.entry_count, False)
