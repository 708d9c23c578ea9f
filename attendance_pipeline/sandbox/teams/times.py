"""How Graph writes instants: UTC with a Z and up to seven decimals, or an object that names the zone."""

from datetime import UTC, datetime


def instant(moment: datetime, decimals: int = 0) -> str:
    """With so many decimals of zero: everything here is on the second, and Graph's number of them varies."""
    fraction = "." + "0" * decimals if decimals else ""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def zoned(moment: datetime, zone: str = "UTC") -> dict[str, str]:
    """Local time of a zone, which stands beside it; seven decimals."""
    return {"dateTime": f"{moment:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": zone}


def read(text: str) -> datetime | None:
    """An instant as clients write it, UTC where it names no zone; None if it's none."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
