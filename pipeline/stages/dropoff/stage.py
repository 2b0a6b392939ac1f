"""Drop-off: page outcomes in; forward sets, flags and triggers out. Composition only."""

from collections.abc import Iterable, Mapping

import msgspec

from pipeline.engine.stage import Emit, Record
from pipeline.engine.state.keyed import State
from pipeline.stages.dropoff import learning
from pipeline.stages.dropoff.context import Context, PageRef
from pipeline.stages.dropoff.state import new_state, tables_of
from pipeline.stages.dropoff.watch import watch
from pipeline.stages.ndjson import decode_lines
from schemas import topics
from schemas.outcomes import ORDER_COMPLETED, PageOutcome
from schemas.rejects import Reason, reject_row
from schemas.time_units import HOUR_MS
from schemas.topics import Topic


class Dropoff:
    """Stage: watches every page of every site. `goals` names a site's goal where it is not ORDER_COMPLETED.

    Counting is by the attempt's own time but never ahead of the log's. Ticks change nothing here:
    where nobody comes, nobody is lost. Bots are not counted.
    """

    name: str = "dropoff"
    source: Topic = topics.PAGES

    def __init__(self, goals: Mapping[str, str] | None = None) -> None:
        self._goals = dict(goals or {})
        self._decoder = msgspec.json.Decoder(PageOutcome)

    def new_state(self) -> State:
        """An empty state for one partition."""
        return new_state()

    def process(self, state: State, record: Record, emit: Emit) -> None:
        """Fold one record in; lines that are no outcomes become rejects."""
        context = Context(tables_of(state), emit)
        for outcome in self._read(record, emit):
            if state.is_new(outcome.origin) and outcome.page:
                self._fold(context, outcome)

    def _fold(self, context: Context, outcome: PageOutcome) -> None:
        if outcome.device_class == "bot":
            return
        name, tables = outcome.site, context.tables
        goal = self._goals.get(name, ORDER_COMPLETED)
        time = min(outcome.time, outcome.decided_at)
        site = tables.sites.get(name) or learning.new_site(time)
        site.views += outcome.revision == 0
        tables.sites.put(name, site)
        if time >= site.clock:
            site.clock = time
            if time // HOUR_MS != site.hour:
                learning.start_hour(context, name, site, goal)
        key = f"{name}\n{outcome.page}"
        page = tables.pages.get(key) or learning.new_page(context, name, outcome.page, time)
        if page is not None:
            watch(context, PageRef(name, outcome.page, key, site, page), outcome, goal)

    def _read(self, record: Record, emit: Emit) -> Iterable[PageOutcome]:
        def reject(_: int, line: bytes, error: Exception) -> None:
            row = reject_row(Reason.PROCESSING_FAILED, str(error), "", topics.PAGES.name, line)
            emit.row(row)

        return decode_lines(self._decoder, record.value, reject)
