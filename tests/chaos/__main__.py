"""Break each part of a house in the middle of traffic, several times; print JSON lines.

First the machine, then for each fault what was lost, answered twice or taken twice by WhatsApp,
and the seconds until everything was normal again. The messages come as Meta's do: whoever is
not answered 200 is offered again. How it goes is told on standard error.
"""

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench import machine, traffic
from tests.bench.figure import Figure
from tests.bench.town import Town, note
from tests.chaos import counting, faults, lines
from tests.chaos.counting import Outcome
from tests.chaos.faults import Fault
from tests.chaos.stage import Pages, Stage, open_stage
from tests.hosts import known

BEFORE_SECONDS, AFTER_SECONDS, LONGEST_SECONDS = 3.0, 6.0, 90.0
RECOVER_SECONDS = 10.0
LINES = "lines"  # linked phones: a run of its own, with everything killed in it


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--only", default=os.environ.get("ONLY", ""), help=", ".join(faults.ALL))
    parser.add_argument("--runs", type=int, default=int(os.environ.get("RUNS") or 5))
    parser.add_argument("--rate", type=float, default=float(os.environ.get("RATE") or 40))
    options = parser.parse_args()
    wanted = [
        name
        for name in (*faults.ALL, LINES)
        if not options.only or name == options.only or name.startswith(f"{options.only}_")
    ]
    if not wanted:
        parser.error(f"The faults are {', '.join((*faults.ALL, LINES))}.")
    announcer = Announcer(rate=options.rate, runs=options.runs)
    is_fine = True
    for name in wanted:
        try:
            for figure in _figures(name, announcer):
                show(figure.as_line())
                is_fine = is_fine and figure.is_fine is not False
        except Exception as error:
            announcer.announce(None)
            traceback.print_exc(file=sys.stderr)
            show({"name": "chaos", "case": name, "error": f"{type(error).__name__}: {error}"[:500]})
            is_fine = False
    return 0 if is_fine else 1


def _figures(name: str, announcer: "Announcer") -> Iterator[Figure]:
    if name == LINES:
        announcer.announce(None)
        yield from lines.figures()
    else:
        yield from suffer(name, faults.ALL[name], announcer)


def show(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


@dataclass
class Announcer:
    """Says which machine it is, once, before any figure: its PostgreSQL is that of a house."""

    rate: float
    runs: int
    is_done: bool = False

    def announce(self, stage: Stage | None) -> None:
        """Print the machine's line, unless it was printed."""
        if not self.is_done:
            self.is_done = True
            facts = machine.describe(stage.host) if stage else machine.facts()
            show({"machine": facts, "messages_per_second": self.rate, "runs": self.runs})


def suffer(name: str, fault: Fault, announcer: Announcer) -> Iterator[Figure]:
    """Let the same house suffer the same fault several times."""
    runs, rate = announcer.runs, announcer.rate
    if fault.needs and fault.needs not in known():
        raise RuntimeError(f"There is no process {fault.needs} in the Procfile.")
    note(f"== {name}")
    outcomes = []
    with open_stage(
        has_file=fault.has_file, has_other=fault.has_other, uses_ai=fault.uses_ai
    ) as stage:
        if fault.asks_pages:
            stage.host.manage("collectstatic", "--noinput", "-v0")
            stage.host.restart("web")
        announcer.announce(stage)
        town = stage.town
        for run in range(runs):
            outcomes.append(_run(stage, town, fault, prefix=f"7{run:03d}", rate=rate))
            latest = outcomes[-1]
            note(
                f"{name} {run + 1}/{runs}: {latest.offered} offered, {len(latest.lost)} lost,"
                f" {len(latest.twice)} twice, {latest.duplicates} duplicates,"
                f" normal after {latest.recover_seconds:.1f} s,"
                f" slowest {latest.slowest_seconds:.1f} s"
            )
        _look_back(stage)
    seconds = [round(outcome.recover_seconds, 2) for outcome in outcomes]
    more = {"case": name, "runs": runs, "messages": sum(outcome.offered for outcome in outcomes)}
    later = {
        "each": seconds,
        "slowest_seconds": round(max(outcome.slowest_seconds for outcome in outcomes), 2),
        "open_after_the_fault": [outcome.open_after for outcome in outcomes],
    }
    yield Figure("chaos_lost", sum(len(o.lost) for o in outcomes), "messages", 0.0, more=more)
    yield Figure(
        "chaos_answered_twice", sum(len(o.twice) for o in outcomes), "messages", 0.0, more=more
    )
    yield Figure(
        "chaos_recover_seconds", max(seconds), "s", RECOVER_SECONDS, more={**more, **later}
    )
    yield Figure(
        "chaos_provider_duplicates", sum(o.duplicates for o in outcomes), "messages", more=more
    )


def _run(stage: Stage, town: Town, fault: Fault, *, prefix: str, rate: float) -> Outcome:
    messages = list(
        traffic.steady(stage.spaces, per_second=rate, seconds=LONGEST_SECONDS, prefix=prefix)
    )
    offering = traffic.Offering(
        messages, urls=stage.urls, folder=stage.folder, name="offering", lines=256, patience=2.0
    )
    pages = Pages(f"{stage.host.web_url}/") if fault.asks_pages else None
    try:
        offering.begin()
        time.sleep(BEFORE_SECONDS)
        moment = fault.act(stage)
        time.sleep(AFTER_SECONDS)
        offered = offering.end()
    finally:
        offering.close()
        if pages is not None:
            pages.stop()
    customers = {message.id: message.to for message in messages}
    wanted = {customers[offer.id] for offer in offered}
    until = max(offer.first for offer in offered) + counting.LOST_AFTER_SECONDS
    while wanted - {send.to for send in town.sends.fetch()} and time.time() < until:
        time.sleep(0.3)
    time.sleep(1.0)  # a second answer would come now
    outcome = counting.count(
        offered=offered,
        customers=customers,
        sends=town.sends.fetch(),
        fault_over=moment,
        written_twice=set(_written_twice(stage)) & set(customers),
    )
    if pages is not None and pages.last_failed > moment:
        note(f"{pages.failed} of {pages.asked} pages failed")
        outcome.recover_seconds = max(outcome.recover_seconds, pages.last_failed - moment)
    if outcome.lost:
        _tell_lost(stage, outcome)
    _wait_until_whole(stage)
    return outcome


def _written_twice(stage: Stage) -> Iterator[str]:
    for space in stage.spaces:
        rows = stage.host.sql(
            "SELECT asked.provider_message_id"
            f' FROM "{space.schema}".messaging_message said'
            f' JOIN "{space.schema}".messaging_message asked ON asked.id = said.answers_id'
            " WHERE said.direction = 'out' GROUP BY 1 HAVING count(*) > 1"
        )
        yield from (str(row[0]) for row in rows)


def _tell_lost(stage: Stage, outcome: Outcome) -> None:
    """Say where the lost ones stand."""
    rows = stage.host.sql(
        "SELECT state, attempts, error, count(*) FROM connections_inboundevent"
        " WHERE subject = ANY(%s) GROUP BY 1, 2, 3",
        [outcome.lost],
    )
    jobs = stage.host.sql(
        "SELECT state, error_code, count(*) FROM connections_outboundjob"
        " WHERE state <> 'accepted' GROUP BY 1, 2"
    )
    note(f"lost: inbox {rows}, outbox {jobs}")


def _wait_until_whole(stage: Stage) -> None:
    """Give what was killed the time to be there for the next run."""
    for host in (stage.host, stage.other):
        if host is not None:
            host.wait_until_whole()


def _look_back(stage: Stage) -> None:
    for host in (stage.host, stage.other):
        if host is None:
            continue
        if host.deaths:
            note("ended: " + ", ".join(f"{name} ({code})" for _, name, code in host.deaths))
        if errors := host.error_lines():
            note(f"{len(errors)} error lines, the last: {errors[-1]}")


if __name__ == "__main__":
    sys.exit(main())
