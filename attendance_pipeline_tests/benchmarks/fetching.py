"""What others pay for the same pages: a bare loop that fetches and counts, and dlt, which lands them in DuckDB.

Both are told the meetings by a file that the landing wrote, and import nothing of the pipeline.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from .measuring import Numbers, report

IN_FLIGHT = 20
QUERY = {"page_size": "300", "include_fields": "registrant_id"}


def meetings_file(data: Path) -> Path:
    """Where the landing writes the paths of the reports, and these read them."""
    return data / "reports.json"


def bare_loop() -> Numbers:
    """Fetch and count: httpx over aiohttp, as many requests in flight as the pipeline has."""
    import httpx
    import msgspec
    from httpx_aiohttp import AiohttpTransport

    decoder, found = msgspec.json.Decoder(), {"rows": 0, "requests": 0, "bytes_received": 0}
    waiting = _paths()

    async def fetch_all() -> None:
        async with httpx.AsyncClient(transport=AiohttpTransport()) as client:
            answer = await client.post(**_token_request())
            headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

            async def work() -> None:
                while waiting:
                    url, next_token = os.environ["ZOOM_API_URL"] + waiting.pop(), ""
                    while True:
                        query = QUERY | ({"next_page_token": next_token} if next_token else {})
                        body = (await client.get(url, params=query, headers=headers)).content
                        page = decoder.decode(body)
                        found["rows"] += len(page["participants"])
                        found["requests"] += 1
                        found["bytes_received"] += len(body)
                        next_token = page["next_page_token"]
                        if not next_token:
                            break

            await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))

    asyncio.run(fetch_all())
    return found


def dlt_pipeline() -> Numbers:
    """Into DuckDB by dlt: a transformer over the meetings, in its own pool of threads."""
    import dlt
    from dlt.sources.helpers import requests
    from dlt.sources.helpers.rest_client import RESTClient
    from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
    from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

    answer = requests.post(**_token_request())
    client = RESTClient(
        base_url=os.environ["ZOOM_API_URL"],
        auth=BearerTokenAuth(token=answer.json()["access_token"]),
        paginator=JSONResponseCursorPaginator("next_page_token", "next_page_token"),
        data_selector="participants",
    )

    @dlt.resource(name="meetings", selected=False)
    def meetings() -> Any:
        yield from _paths()

    @dlt.transformer(data_from=meetings, name="participants", parallelized=True, write_disposition="replace")
    def participants(path: str) -> Any:
        rows = [row for page in client.paginate(path, params=dict(QUERY)) for row in page]
        for row in rows:
            row["meeting_path"] = path
        return rows

    folder = Path(os.environ["ATTENDANCE_DATA"]) / "dlt"
    pipeline = dlt.pipeline(
        "attendance",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.duckdb(str(folder / "attendance.duckdb")),
        dataset_name="raw",
    )
    # DuckDB takes far longer over the insert statements that dlt writes unless told
    pipeline.run(participants, loader_file_format="parquet")
    with pipeline.sql_client() as sql, sql.execute_query("select count(*) from participants") as cursor:
        [(rows,)] = cursor.fetchall()
    return {"rows": rows, "bytes": (folder / "attendance.duckdb").stat().st_size}


def _paths() -> list[str]:
    paths: list[str] = json.loads(meetings_file(Path(os.environ["ATTENDANCE_DATA"])).read_text())
    return paths


def _token_request() -> dict[str, Any]:
    return {
        "url": os.environ["ZOOM_TOKEN_URL"],
        "auth": (os.environ["ZOOM_CLIENT_ID"], os.environ["ZOOM_CLIENT_SECRET"]),
        "data": {"grant_type": "account_credentials", "account_id": os.environ["ZOOM_ACCOUNT_ID"]},
    }


def main() -> None:
    """Run one of the two; their libraries are imported before the clock starts."""
    if sys.argv[1] == "dlt_pipeline":
        import dlt.destinations
        import dlt.sources.helpers.rest_client  # noqa: F401

        report(dlt_pipeline)
    else:
        import httpx_aiohttp  # noqa: F401
        import msgspec  # noqa: F401

        report(bare_loop)


if __name__ == "__main__":
    main()
