"""Webex's tokens: the newest refresh token is kept where only its owner reads it, and what is dead is told so."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from attendance_pipeline.errors import StorageError
from attendance_pipeline.http.errors import OutageError, RefusedError
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer
from attendance_pipeline.vendors.webex.tokens import refresh_token

from .account import FORTNIGHT, failing, settings
from .webex_account import LATER, SandboxAccount, is_about_attendance, sandbox_account

DAYS = FORTNIGHT[:1]
SEVERAL = FORTNIGHT[:5]
FIRST = "sandbox-webex-refresh-token"
NOBODY = 65_534


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path) as account:
        yield account


@pytest.fixture
def rotating(tmp_path: Path) -> Iterator[SandboxAccount]:
    """Every refresh hands out a new refresh token, and the old one dies."""
    with sandbox_account(tmp_path, rotate_refresh_tokens=True) as account:
        yield account


def file_of(account: SandboxAccount) -> Path:
    return account.settings.data / "state" / "webex-refresh-token.json"


def kept(account: SandboxAccount) -> dict[str, Any]:
    return dict(json.loads(file_of(account).read_bytes()))


def use_personal_token(account: SandboxAccount, token: str) -> None:
    account.settings = settings(
        account.settings.data,
        {"WEBEX_ACCESS_TOKEN": token, "WEBEX_API_URL": account.sandbox.settings["WEBEX_API_URL"]},
    )


@contextmanager
def grants_noted(account: SandboxAccount) -> Iterator[list[dict[str, str]]]:
    """Collects what the token endpoint is sent."""
    noted: list[dict[str, str]] = []

    def note(_: str, call: Call) -> None:
        if call.path.endswith("/access_token"):
            noted.append(dict(parse_qsl(call.body.decode())))

    with account.answering(note):
        yield noted


@contextmanager
def out_of_reach(folder: Path) -> Iterator[None]:
    """Another user's, also where the tests run as root."""
    folder.chmod(0)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(NOBODY)
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)


def test_a_token_is_bought_with_the_refresh_token_once_a_run(account: SandboxAccount) -> None:
    with grants_noted(account) as grants:
        account.land_meetings(DAYS)

    (grant,) = grants
    assert grant == {
        "grant_type": "refresh_token",
        "client_id": account.sandbox.settings["WEBEX_CLIENT_ID"],
        "client_secret": account.sandbox.settings["WEBEX_CLIENT_SECRET"],
        "refresh_token": FIRST,
    }


@pytest.mark.parametrize("umask", [0o022, 0o000, 0o077])
def test_the_newest_refresh_token_is_kept_where_only_its_owner_reads_it(rotating: SandboxAccount, umask: int) -> None:
    before = os.umask(umask)
    try:
        rotating.land_meetings(DAYS)
    finally:
        os.umask(before)

    assert file_of(rotating).stat().st_mode & 0o777 == 0o600
    assert kept(rotating)["refresh_token"] != FIRST
    assert kept(rotating)["ends_at"] == f"{LATER + timedelta(seconds=7_775_999):%Y-%m-%dT%H:%M:%SZ}"
    assert FIRST not in file_of(rotating).read_text()
    assert [file.name for file in file_of(rotating).parent.iterdir() if "tmp" in file.name] == []


def test_the_kept_refresh_token_works_where_the_configured_one_is_dead(rotating: SandboxAccount) -> None:
    for _ in range(3):
        newest = kept(rotating)["refresh_token"] if file_of(rotating).exists() else FIRST
        with grants_noted(rotating) as grants:
            rotating.land_meetings(DAYS)

        assert [grant["refresh_token"] for grant in grants] == [newest]
        assert kept(rotating)["refresh_token"] != newest


def test_a_refresh_token_that_is_used_lives_on(account: SandboxAccount) -> None:
    for _ in range(4):
        account.clock.advance(days=80)
        account.land_meetings([account.clock.now.date()])


def test_a_refresh_token_that_is_set_anew_takes_the_place_of_the_kept_one(rotating: SandboxAccount) -> None:
    rotating.land_meetings(DAYS)
    rotating.sandbox.webex.access._refresh.renew("set-anew", 10**6)
    rotating.use(WEBEX_REFRESH_TOKEN="set-anew")

    with grants_noted(rotating) as grants:
        rotating.land_meetings(DAYS)

    assert [grant["refresh_token"] for grant in grants] == ["set-anew"]
    newest = kept(rotating)["refresh_token"]
    with grants_noted(rotating) as grants:
        rotating.land_meetings(DAYS)
    assert [grant["refresh_token"] for grant in grants] == [newest]


def test_the_configured_refresh_token_works_where_the_kept_one_is_dead(rotating: SandboxAccount) -> None:
    rotating.land_meetings(DAYS)
    dead = kept(rotating)["refresh_token"]
    rotating.sandbox.webex.access.revoke_refresh_tokens()
    rotating.sandbox.webex.access._refresh.renew(FIRST, 10**6)

    with grants_noted(rotating) as grants:
        rotating.land_meetings(DAYS)

    assert [grant["refresh_token"] for grant in grants] == [dead, FIRST]
    assert kept(rotating)["refresh_token"] not in (dead, FIRST)


def test_an_answer_without_a_refresh_token_leaves_the_one_that_bought_it(account: SandboxAccount) -> None:
    """OAuth lets a server leave it out where it stays the same."""
    account.land_meetings(DAYS)
    file = file_of(account)
    file.write_text(json.dumps(kept(account) | {"refresh_token": "dead"}))
    token = account.sandbox.webex.options.personal_token

    def minting(_: str, call: Call) -> Answer | None:
        if not call.path.endswith("/access_token") or b"refresh_token=dead" in call.body:
            return None
        return json_answer(200, {"access_token": token, "expires_in": 3600, "token_type": "Bearer"})

    with account.answering(minting):
        account.land_meetings(DAYS)

    assert kept(account)["refresh_token"] == FIRST
    assert kept(account)["ends_at"] is None


def test_refresh_tokens_that_are_all_dead_are_told_with_the_way_to_a_new_one(rotating: SandboxAccount) -> None:
    rotating.land_meetings(DAYS)
    newest = kept(rotating)["refresh_token"]
    rotating.sandbox.webex.access.revoke_refresh_tokens()

    with grants_noted(rotating) as grants, pytest.raises(RefusedError) as told:
        rotating.land_meetings(DAYS)

    assert [grant["refresh_token"] for grant in grants] == [newest, FIRST]
    text = str(told.value)
    assert "the refresh token is dead (it ends 90 days after its last use)" in text
    assert text.endswith("set it as WEBEX_REFRESH_TOKEN")
    assert "authorizing the app again (developer.webex.com" in text
    assert "\n" not in text
    assert newest not in text
    assert FIRST not in text


def test_a_refresh_token_that_was_not_used_for_ninety_days_is_dead(account: SandboxAccount) -> None:
    account.land_meetings(DAYS)
    account.clock.advance(days=91)

    with pytest.raises(RefusedError, match="the refresh token is dead"):
        account.land_meetings([account.clock.now.date()])


@pytest.mark.parametrize("variable", ["WEBEX_CLIENT_ID", "WEBEX_CLIENT_SECRET"])
def test_wrong_credentials_are_refused_and_never_printed(account: SandboxAccount, variable: str) -> None:
    account.use(**{variable: "not-it-at-all"})

    with pytest.raises(RefusedError, match=r"refused .* \(401\): .*WEBEX_CLIENT_SECRET is wrong") as told:
        account.land_meetings(DAYS)

    text = f"{told.value}{told.value!r}"
    assert "not-it-at-all" not in text
    assert account.sandbox.settings["WEBEX_CLIENT_SECRET"] not in text
    assert FIRST not in text
    assert len(account.minted()) == 1
    assert account.requests() == []
    assert not file_of(account).exists()


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"\xff\xfe", b"null", b"[]", b'{"refresh_token": 3, "descends_from": "x"}'),
        b'{"refresh_token": "x", "descends_from": "of-another"}',
        b"[" * 100_000,
    ],
    ids=["empty", "cut off", "no text", "null", "list", "number", "of another", "nested"],
)
def test_a_kept_token_that_is_damaged_or_of_another_counts_for_nothing(
    account: SandboxAccount, content: bytes
) -> None:
    file_of(account).parent.mkdir(parents=True)
    file_of(account).write_bytes(content)

    with grants_noted(account) as grants:
        account.land_meetings(DAYS)

    assert [grant["refresh_token"] for grant in grants] == [FIRST]
    assert kept(account)["refresh_token"] == FIRST
    assert file_of(account).stat().st_mode & 0o777 == 0o600


def test_a_kept_token_that_is_no_file_is_told(account: SandboxAccount) -> None:
    file_of(account).mkdir(parents=True)

    with pytest.raises(StorageError, match=r"webex-refresh-token\.json: .*set WEBEX_REFRESH_TOKEN") as told:
        account.land_meetings(DAYS)

    assert "\n" not in str(told.value)


def test_a_state_folder_that_cannot_be_written_is_told(account: SandboxAccount) -> None:
    account.settings.data.mkdir(exist_ok=True)
    (account.settings.data / "state").write_text("in the way")

    with pytest.raises(StorageError, match="can't write .*a file stands where a folder should be"):
        account.land_meetings(DAYS)

    assert account.requests() == []


def test_a_state_folder_that_another_user_owns_is_told(account: SandboxAccount) -> None:
    account.land_meetings(DAYS)
    token = refresh_token(account.settings, account.clock)
    assert token is not None

    with out_of_reach(file_of(account).parent), pytest.raises(StorageError, match="can't read .*refresh-token"):
        token.candidates()


def test_a_personal_token_works_by_itself(account: SandboxAccount) -> None:
    use_personal_token(account, account.sandbox.webex.options.personal_token)

    account.land(DAYS)

    assert account.minted() == []
    assert not file_of(account).exists()
    assert set(account.statuses(DAYS, "participants").values()) == {"complete"}


def test_a_personal_token_that_ended_is_told_with_the_way_to_another(account: SandboxAccount) -> None:
    use_personal_token(account, "of-yesterday")

    with pytest.raises(RefusedError, match=r"refused the token \(401 .*lives for 12 hours: copy another one") as told:
        account.land_meetings(DAYS)

    assert "WEBEX_ACCESS_TOKEN" in str(told.value)
    assert "WEBEX_CLIENT_ID, WEBEX_CLIENT_SECRET and WEBEX_REFRESH_TOKEN for good" in str(told.value)
    assert "of-yesterday" not in f"{told.value}{told.value!r}{account.settings!r}"
    assert account.minted() == []


def test_a_refresh_token_is_preferred_to_a_personal_one(account: SandboxAccount) -> None:
    account.use(WEBEX_ACCESS_TOKEN="of-yesterday")

    account.land_meetings(DAYS)

    assert len(account.minted()) == 1


def test_a_personal_token_steps_in_where_the_other_credentials_are_not_whole(account: SandboxAccount) -> None:
    account.use(WEBEX_ACCESS_TOKEN=account.sandbox.webex.options.personal_token, WEBEX_CLIENT_SECRET="")
    account.settings = account.settings.model_copy(update={"webex_client_secret": None})

    account.land_meetings(DAYS)

    assert account.minted() == []


@pytest.mark.parametrize("rotate", [False, True])
def test_an_access_token_that_ends_in_the_middle_is_renewed_once(tmp_path: Path, rotate: bool) -> None:
    with sandbox_account(tmp_path, token_seconds=3600, rotate_refresh_tokens=rotate) as account:
        account.land_meetings(SEVERAL)
        before = len(account.sandbox.requests)
        asked: list[Call] = []

        def old(_: str, call: Call) -> None:
            if is_about_attendance(call):
                asked.append(call)
                if len(asked) == 15:
                    account.clock.advance(hours=2)

        with account.answering(old):
            account.land_attendance(SEVERAL)

        since = account.sandbox.requests[before:]
        assert len([one for one in since if one.path.endswith("/access_token")]) == 2
        assert 1 <= len([one for one in since if one.status == 401]) <= 20
        for report in ("attendees", "participants"):
            assert set(account.statuses(SEVERAL, report).values()) == {"complete"}


def test_an_access_token_that_webex_says_ends_within_a_minute_is_renewed_before_it_is_used_up(tmp_path: Path) -> None:
    """Lifetimes are read from the answer; a service app's example says an hour, others two weeks."""
    with sandbox_account(tmp_path, token_seconds=30) as account:
        account.land_meetings(DAYS)

        assert {one.status for one in account.requests()} == {200}
        assert len(account.minted()) > 1


def test_an_authorization_that_ends_in_the_middle_ends_the_run(account: SandboxAccount) -> None:
    account.land_meetings(SEVERAL)

    def taken_back(_: str, call: Call) -> None:
        if len(account.requests()) > 25:
            account.sandbox.webex.access.revoke_all()

    with (
        account.answering(taken_back),
        pytest.raises(RefusedError, match="401 .*the app was deactivated, or its authorization was taken back"),
    ):
        account.land_attendance(SEVERAL)

    kept_before = {(one.kind, one.subject) for one in account.archived(SEVERAL)}
    assert kept_before
    account.land_attendance(SEVERAL)
    assert set(account.statuses(SEVERAL, "attendees").values()) == {"complete"}


@pytest.mark.parametrize(
    "answer",
    [failing(503), json_answer(200, {"token_type": "Bearer"}), Answer(200, b"<html>", content_type="text/html")],
    ids=["503", "no token", "html"],
)
def test_a_token_endpoint_that_answers_otherwise_is_an_outage(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)

    with (
        account.answering(lambda _, call: answer if call.path.endswith("/access_token") else None),
        pytest.raises(OutageError, match="the token endpoint 127.0.0.1 answered .* without a token"),
    ):
        account.land_meetings(DAYS)

    assert not file_of(account).exists()
