from pathlib import Path

import pytest

from attendance_pipeline.errors import UsageError
from attendance_pipeline.people import alias_rows, roster_rows

VENDORS = ["zoom", "webex", "teams"]
SECRETS = ["ana", "acme", "8f3e"]


@pytest.fixture
def aliases(tmp_path: Path) -> Path:
    return tmp_path / "aliases.csv"


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    return tmp_path / "roster.csv"


def test_without_a_file_nothing_is_told() -> None:
    assert alias_rows(None) == []
    assert roster_rows(None, VENDORS) == []


def test_addresses_are_folded_and_account_ids_are_not(aliases: Path) -> None:
    aliases.write_text(
        "identity,same_as\n"
        " Ana@Acme.example ,ana@acme-labs.example\n"
        "Zoom: aB_c-1== ,ana@acme.example\n"
        "teams:8F3E-11,zoom:aB:c\n"
    )

    assert alias_rows(aliases) == [
        ("ana@acme.example", "ana@acme-labs.example"),
        ("teams:8F3E-11", "zoom:aB:c"),
        ("zoom:aB_c-1==", "ana@acme.example"),
    ]


def test_a_roster_names_hosts_of_vendors(roster: Path) -> None:
    roster.write_text("vendor,host_email\nZoom,Ana@acme.example\nwebex, ben@acme.example\nteams,ana@acme.example\n")

    assert roster_rows(roster, VENDORS) == [
        ("teams", "ana@acme.example"),
        ("webex", "ben@acme.example"),
        ("zoom", "ana@acme.example"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"identity,same_as\na@x,b@x\n",
        b"\xef\xbb\xbfidentity,same_as\r\na@x,b@x\r\n",
        b"\n\n Identity , SAME_AS\n\n,\n \na@x,b@x\n\n\n",
        b'"identity","same_as"\n"a@x","b@x"',
        b'same_as,note,identity\nb@x,"who, when,\nwhy",a@x\n',
        b"identity,same_as\na@x,b@x\nA@X,B@x\na@x,a@x\nzoom:1,zoom:1\n",
    ],
    ids=["plain", "bom", "blank lines", "quotes", "other columns", "said twice, and of itself"],
)
def test_the_same_is_told_however_the_file_was_saved(aliases: Path, content: bytes) -> None:
    aliases.write_bytes(content)

    assert alias_rows(aliases) == [("a@x", "b@x")]


def test_a_header_alone_tells_nothing(aliases: Path, roster: Path) -> None:
    aliases.write_text("identity,same_as\n")
    roster.write_text("vendor,host_email")

    assert alias_rows(aliases) == []
    assert roster_rows(roster, VENDORS) == []


@pytest.mark.parametrize(
    ("content", "place", "way_out"),
    [
        ("", "line 1", "the columns identity,same_as"),
        ("ana@acme.example,ana@x\n", "line 1", "the columns identity,same_as"),
        ("\nidentity;same_as\nana@acme.example;ana@x\n", "line 2", "with a comma between"),
        ("identity,same_as,same_as\n", "line 1", "the columns identity,same_as"),
        ("identity,same_as\n\nana@acme.example\n", "line 3", "1 columns, the first line names 2"),
        ("identity,same_as\nana@acme.example,a@x,ana@x\n", "line 2", "put what holds a comma in quotes"),
        ("identity,same_as\na@x,b@x\nana@acme.example,\n", "line 3, column same_as", "empty; fill it in"),
        ("identity,same_as\nana at acme,a@x\n", "line 2, column identity", "give one, or take the line out"),
        ("identity,same_as\na@x,Ana <ana@acme.example>\n", "line 2, column same_as", "no e-mail address"),
        ("identity,same_as\nana@acme@example,a@x\n", "line 2, column identity", "no e-mail address"),
        ("identity,same_as\na@x,webex:8f3e\n", "line 2, column same_as", "teams:<account id> or zoom:<account id>"),
        ("identity,same_as\nmailto:ana@acme.example,a@x\n", "line 2, column identity", "or an e-mail address"),
        ("identity,same_as\nzoom:,a@x\n", "line 2, column identity", "no account that can be known"),
        ("identity,same_as\nzoom:8f3e 11,a@x\n", "line 2, column identity", "no account that can be known"),
        ('identity,same_as\na@x,b@x\n"ana@acme.example,a@x\nb@x,c@x\n', "line 3", "check its quotes"),
        ('identity,same_as\n"ana"@acme.example,a@x\n', "line 2", "check its quotes"),
        ('identity,same_as\n"a\nb",a@x\n', "line 2, column identity", "no e-mail address"),
    ],
)
def test_what_cant_be_meant_is_named_by_its_place_and_never_repeated(
    aliases: Path, content: str, place: str, way_out: str
) -> None:
    aliases.write_text(content)

    with pytest.raises(UsageError) as refused:
        alias_rows(aliases)

    message = str(refused.value)
    assert message.startswith(f"ATTENDANCE_ALIASES: {aliases}, {place}: ")
    assert way_out in message
    said = message.replace(str(aliases), "").lower()
    assert [secret for secret in SECRETS if secret in said] == []
    assert "\n" not in message
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("content", "place", "way_out"),
    [
        ("vendor,email\nzoom,ana@acme.example\n", "line 1", "the columns vendor,host_email"),
        ("vendor,host_email\nana,ana@acme.example\n", "line 2, column vendor", "give one of teams, webex, zoom"),
        ("vendor,host_email\n,ana@acme.example\n", "line 2, column vendor", "give one of teams, webex, zoom"),
        ("vendor,host_email\nzoom,zoom:8f3e\n", "line 2, column host_email", "no e-mail address"),
    ],
)
def test_a_roster_is_judged_alike(roster: Path, content: str, place: str, way_out: str) -> None:
    roster.write_text(content)

    with pytest.raises(UsageError) as refused:
        roster_rows(roster, VENDORS)

    message = str(refused.value)
    assert message.startswith(f"ATTENDANCE_ROSTER: {roster}, {place}: ")
    assert way_out in message
    assert [secret for secret in SECRETS if secret in message.replace(str(roster), "")] == []


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("identity,same_as\na@x,b@x\nJosé@acme.example,a@x\n".encode("latin-1"), "line 3"),
        ("identity,same_as\n".encode("utf-16"), "line 1"),
    ],
)
def test_a_file_that_isnt_utf_8_is_told_to_be_saved_as_such(aliases: Path, content: bytes, place: str) -> None:
    aliases.write_bytes(content)

    with pytest.raises(UsageError, match=f"^ATTENDANCE_ALIASES: .*, {place}: not UTF-8; save it as CSV UTF-8$"):
        alias_rows(aliases)


def test_a_file_that_isnt_there_names_the_setting(aliases: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^ATTENDANCE_ALIASES: can't read .*aliases.csv \(No such file"):
        alias_rows(aliases)
    with pytest.raises(UsageError, match=r"^ATTENDANCE_ROSTER: can't read .* \(Is a directory\)"):
        roster_rows(tmp_path, VENDORS)
