"""`doctor`: what a pull needs, tried vendor by vendor."""

import asyncio
import sys
from typing import Any

import click
from rich.console import Console

from attendance_pipeline.archive import Archive
from attendance_pipeline.channels import DeliveryError, channels, why_no_mail, why_off
from attendance_pipeline.errors import UsageError
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.vendors.base import Check, Vendor


@click.command()
@click.option("--alert", "tries_alerts", is_flag=True, help="Send a test message to whoever gets alerts, that alone.")
def doctor(tries_alerts: bool) -> None:
    """Try, vendor by vendor, what a pull needs: credentials, scopes, reach; say what is missing and how to get it."""
    settings = Settings.load()
    console, healthy = Console(), True
    if tries_alerts:
        _send_test_messages(settings)
        return
    for vendor_type in VENDORS.values():
        missing = settings.missing(vendor_type.credentials)
        if missing:
            console.print(f"[bold]{vendor_type.name}[/bold]: off ({missing} not set, see .env.example)")
            continue
        console.print(f"[bold]{vendor_type.name}[/bold]: on")
        vendor = vendor_type(settings, Archive(settings.lake, vendor_type.name))
        for check in asyncio.run(_checks(vendor)):
            healthy = healthy and check.passed
            console.print(
                f"  {'ok     ' if check.passed else 'MISSING'} {check.name}: {check.detail}", soft_wrap=True
            )
    if not healthy:
        sys.exit(1)


def _send_test_messages(settings: Settings) -> None:
    if reason := why_off(settings):
        raise UsageError(reason)
    if note := why_no_mail(settings):
        raise UsageError(note)
    title = "A test message"
    message = f"{title}\nSomebody asked attendance-pipeline doctor for it.\n{settings.attendance_dagster_url}"
    delivered = True
    for channel in channels(settings):
        try:
            said = channel.send(title, message) or "sent"
        except DeliveryError as error:
            delivered, said = False, str(error)
        click.echo(f"{channel.name}: {said}")
    if not delivered:
        sys.exit(1)


async def _checks(vendor: Vendor[Any]) -> list[Check]:
    async with vendor.session() as session:
        return [check async for check in vendor.doctor(session)]
