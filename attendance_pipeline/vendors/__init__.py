"""The vendors, by name. A new one is a line here."""

from typing import Any

from attendance_pipeline.vendors.base import Vendor
from attendance_pipeline.vendors.teams import Teams
from attendance_pipeline.vendors.webex import Webex
from attendance_pipeline.vendors.zoom import Zoom

VENDORS: dict[str, type[Vendor[Any]]] = {vendor.name: vendor for vendor in (Zoom, Webex, Teams)}
