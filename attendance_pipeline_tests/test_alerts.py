"""What is told, when it is told again, and what a channel that is down loses: nothing."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from attendance_pipeline.alerts import Alert, Troubles, tell
from attendance_pipeline.channels import Channel, channels
from attendance_pipeline.settings import Settings
from attendance_pipeline.windows import Window

from .hostile_server import HostileServer, said
from .mailbox import Mailbox

NOW = datetime(2026, 3, 10, 9, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
YOUNG = Window(date(2026, 3, 8), date(2026, 3, 10))
OLD = Window(date(2026, 2, 1), date(2026, 2, 20))


def failure(reason: str = "503", run: int = 1) -> Alert:
    return Alert("run_failure", f"zoom_meetings {reason}", "zoom_meetings failed", reason, f"http://x/runs/{run}")


def expiring(*days: str) -> Alert:
    return Alert("expiring", "zoom", "zoom will soon forget", ", ".join(days), "http://x", frozenset(days))


def told(troubles: Troubles, channel: str = "webhook") -> list[str]:
    """What one channel would tell now; it counts as told, and goes through what is kept."""
    owed = [trouble for trouble in troubles if trouble.is_owed(channel)]
    for trouble in owed:
        trouble.told[channel] = trouble.alert.parts
    assert Troubles(troubles.encoded()).encoded() == troubles.encoded()
    return [trouble.alert.text for trouble in owed]


def test_a_trouble_is_told_once_however_often_it_happens_and_again_after_it_was_over() -> None:
    troubles = Troubles()
    heard = []
    for hour in range(5):
        troubles.failed(failure(run=hour), NOW + hour * HOUR, "zoom_meetings", YOUNG)
        heard.append(told(troubles))
    troubles.succeeded("zoom_meetings", YOUNG)
    assert len(troubles) == 0
    troubles.failed(failure(run=9), NOW + 9 * HOUR, "zoom_meetings", YOUNG)
    heard.append(told(troubles))

    assert heard == [["503"], [], [], [], [], ["503"]]


def test_another_reason_is_another_trouble() -> None:
    troubles = Troubles()
    heard = []
    for reason in ("503", "disk full", "503", "disk full"):
        troubles.failed(failure(reason), NOW, "zoom_meetings", YOUNG)
        heard.append(told(troubles))

    assert heard == [["503"], ["disk full"], [], []]


@pytest.mark.parametrize(
    ("work", "dates", "is_over"),
    [
        ("zoom_meetings", YOUNG, True),
        ("zoom_meetings", Window(date(2026, 3, 10), date(2026, 3, 12)), True),
        ("zoom_meetings", None, True),
        ("zoom_meetings", Window(date(2026, 3, 11), date(2026, 3, 12)), False),
        ("zoom_meetings", OLD, False),
        ("zoom_attendance", YOUNG, False),
    ],
)
def test_only_the_same_work_on_such_dates_ends_a_trouble(work: str, dates: Window | None, is_over: bool) -> None:
    """Every hour lands the young dates and perhaps older ones: one going well says nothing of the other."""
    troubles = Troubles()
    troubles.failed(failure(), NOW, "zoom_meetings", YOUNG)

    troubles.succeeded(work, dates)

    assert len(troubles) == (not is_over)


def test_what_nobody_has_seen_for_long_is_forgotten() -> None:
    troubles = Troubles()
    troubles.failed(failure(), NOW, "zoom_meetings", OLD)

    troubles.forget_the_quiet(NOW + timedelta(days=7, hours=1))
    assert len(troubles) == 1
    troubles.forget_the_quiet(NOW + timedelta(days=8, hours=1))
    assert len(troubles) == 0


def test_a_state_is_told_again_when_more_joins_it_and_when_what_left_comes_back() -> None:
    troubles = Troubles()
    heard = []
    for days in (["1"], ["1", "2"], ["2"], ["2"], ["1", "2"], [], ["2"]):
        troubles.stands("expiring", "zoom", expiring(*days) if days else None, NOW)
        heard.append(told(troubles))

    assert heard == [["1"], ["1, 2"], [], [], ["1, 2"], [], ["2"]]


def test_fields_that_join_a_changed_format_are_told_whichever_run_finds_them() -> None:
    troubles = Troubles()
    heard = []
    for fields in ("mood", "temper", "mood"):
        drift = Alert("schema_drift", "zoom/participants", "title", fields, "link", frozenset([fields]))
        troubles.failed(drift, NOW, "zoom/participants: schema", YOUNG)
        heard.append(told(troubles))

    assert heard == [["mood"], ["temper"], []]


@pytest.mark.parametrize("spoiled", ["", "{", "[]", '{"a": 1}', "\x00"])
def test_what_was_kept_and_is_spoiled_counts_as_nothing(spoiled: str) -> None:
    assert len(Troubles(spoiled)) == 0


def test_a_channel_that_is_set_up_later_tells_what_is_wrong_then() -> None:
    troubles = Troubles()
    troubles.failed(failure(), NOW, "zoom_meetings", YOUNG)

    assert told(troubles, "webhook") == ["503"]
    assert told(troubles, "mail") == ["503"]
    assert told(troubles, "mail") == told(troubles, "webhook") == []


@dataclass
class Kept:
    """What would survive a kill at any moment."""

    troubles: Troubles
    versions: list[str] = field(default_factory=list)

    def keep(self) -> None:
        self.versions.append(self.troubles.encoded())


def both(monkeypatch: pytest.MonkeyPatch, folder: Path, hook: HostileServer, box: Mailbox) -> list[Channel]:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("ATTENDANCE_ALERT_WEBHOOK", f"http://127.0.0.1:{hook.port}/services/made-up")
    monkeypatch.setenv("ATTENDANCE_ALERT_EMAIL", "ops@acme.test")
    monkeypatch.setenv("ATTENDANCE_SMTP_URL", f"smtp://127.0.0.1:{box.port}")
    return channels(Settings.load())


def test_a_channel_that_is_down_loses_nothing_and_doubles_nothing_for_the_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    troubles = Troubles()
    troubles.failed(failure("503"), NOW, "zoom_meetings", YOUNG)
    troubles.failed(failure("disk full"), NOW, "zoom_meetings", YOUNG)
    kept = Kept(troubles)
    with HostileServer(tmp_path) as hook, Mailbox() as box:
        to_both = both(monkeypatch, tmp_path, hook, box)
        hook.answers({"/": said(500)})
        down = tell(troubles, to_both, kept.keep)
        tried = len(hook.heard())
        still_down = tell(Troubles(kept.versions[-1]), to_both, kept.keep)
        hook.answers({})
        up = tell(troubles, to_both, kept.keep)
        heard = [one.body for one in hook.heard()]
        later = tell(Troubles(kept.versions[-1]), to_both, kept.keep)

    why = "the webhook answered 500; check ATTENDANCE_ALERT_WEBHOOK"
    assert (down, still_down, up, later) == ((2, [why]), (0, [why]), (2, []), (0, []))
    assert tried == 1
    assert len(heard) == 2
    assert [mail.get_content().splitlines()[1] for mail in box.mails] == ["503", "disk full"]
    assert len(kept.versions) == 4, "kept after every message that left"


def test_a_kill_between_two_messages_doubles_neither(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    troubles = Troubles()
    for reason in ("503", "disk full"):
        troubles.failed(failure(reason), NOW, "zoom_meetings", YOUNG)
    kept = Kept(troubles)

    def keep_then_die() -> None:
        kept.keep()
        raise KeyboardInterrupt

    with HostileServer(tmp_path) as hook, Mailbox() as box:
        hook.answers({})
        to_both = both(monkeypatch, tmp_path, hook, box)
        with pytest.raises(KeyboardInterrupt):
            tell(troubles, to_both, keep_then_die)
        rest = tell(Troubles(kept.versions[-1]), to_both, lambda: None)
        heard = hook.heard()

    assert rest == (3, [])
    assert (len(heard), len(box.mails)) == (2, 2)
