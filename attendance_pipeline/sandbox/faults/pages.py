"""Faults of lists that come page by page; they make the pages themselves, of a few rows each."""

from attendance_pipeline.sandbox.faults.fault import Ask, Fault, Trouble
from attendance_pipeline.sandbox.wire import Answer, Call

SIZE = 3


def _page(trouble: Trouble, call: Call, ask: Ask, first: int, last: int) -> tuple[Answer, int] | None:
    """The answer with rows from the first to before the last, and how many there are; None: it has no rows."""
    answer = ask(trouble.dialect.from_the_start(call))
    rows = trouble.dialect.rows(answer)
    if rows is None:
        return None
    return trouble.dialect.ended(trouble.dialect.with_rows(answer, rows[max(0, first) : last])), len(rows)


def _endless(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
    """Every page is the first, and leads on."""
    place, dialect = trouble.dialect.place(call), trouble.dialect
    page = _page(trouble, call, ask, 0, SIZE)
    return page and dialect.continued(call, page[0], place + SIZE)


def _repeated(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
    """Every page leads to the second."""
    place = trouble.dialect.place(call)
    page = _page(trouble, call, ask, place, place + SIZE)
    return page and trouble.dialect.continued(call, page[0], SIZE)


def _forgotten(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
    """The first place of a list that is gone to isn't known any more."""
    place = trouble.dialect.place(call)
    if place:
        trouble.seen[call.path] += 1
        if trouble.seen[call.path] == 1:
            return trouble.dialect.forgotten_place(call)
    return _doubled(trouble, call, ask, again=0)


def _empty(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
    """The second page has no rows, and leads on."""
    place = trouble.dialect.place(call)
    if place == 0:
        return _doubled(trouble, call, ask, again=0)
    if place == SIZE:
        page = _page(trouble, call, ask, 0, 0)
        return page and trouble.dialect.continued(call, page[0], SIZE + 1)
    page = _page(trouble, call, ask, SIZE, place + MANY)
    return page and page[0]


MANY = 10_000


def _doubled(trouble: Trouble, call: Call, ask: Ask, again: int = 1) -> Answer | None:
    """Every page but the first begins with the last row of the one before."""
    place = trouble.dialect.place(call)
    page = _page(trouble, call, ask, place - again if place else 0, place + SIZE)
    if page is None or place + SIZE >= page[1]:
        return page and page[0]
    return trouble.dialect.continued(call, page[0], place + SIZE)


def _elsewhere(trouble: Trouble, call: Call, ask: Ask) -> Answer | None:
    """The second page is said to be at an address that isn't the vendor's."""
    place = trouble.dialect.place(call)
    page = _page(trouble, call, ask, place, MANY if place else SIZE)
    if page is None or place:
        return page and page[0]
    return trouble.dialect.continued(call, page[0], SIZE, trouble.elsewhere)


LINKED = ("webex", "teams")

PAGES = (
    Fault("endless_pages", "one meeting's report goes on for ever", _endless, where=("report",), one_meeting=True),
    Fault("endless_list", "lists go on for ever", _endless, where=("list",)),
    Fault(
        "repeated_page_token",
        "every page of one meeting's report leads to the second",
        _repeated,
        where=("report",),
        one_meeting=True,
    ),
    Fault("list_repeated_page_token", "every page of a list leads to its second", _repeated, where=("list",)),
    Fault(
        "expired_page_token",
        "the second page of each report isn't known any more, once",
        _forgotten,
        where=("report",),
        vendors=("zoom", "teams"),
    ),
    Fault("empty_page", "a page without rows in the middle of each report", _empty, where=("report",)),
    Fault("doubled_rows", "each page begins with the last row of the one before", _doubled, where=("report",)),
    Fault(
        "next_link_elsewhere",
        "the next page of one meeting's report is at a foreign host",
        _elsewhere,
        where=("report",),
        one_meeting=True,
        vendors=LINKED,
    ),
    Fault(
        "list_next_link_elsewhere",
        "the next page of lists is at a foreign host",
        _elsewhere,
        where=("list",),
        vendors=LINKED,
    ),
)
