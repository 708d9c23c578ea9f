"""The first clock of freshness: when each vendor was last read, and when the file that analysts open was published.

The second clock, how recent the newest ended meeting is, is a check: see `defs/expectations.py`.
"""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

HOURLY = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=3), fail_window=timedelta(hours=24))
"""Of what is made every hour: two missed runs warn, a missed day fails."""
DAILY = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=27), fail_window=timedelta(hours=48))
"""Of what is made when there is something new, which each date is: two hours late warns, a missed day fails."""


def with_clock(
    assets: Sequence[dg.AssetsDefinition], key: Sequence[str], policy: dg.FreshnessPolicy
) -> list[dg.AssetsDefinition]:
    """These assets, with a clock on one of them."""
    watched = dg.AssetKey(key)

    def watch(spec: dg.AssetSpec) -> dg.AssetSpec:
        return dg.apply_freshness_policy(spec, policy) if spec.key == watched else spec

    return [each.map_asset_specs(watch) if watched in each.keys else each for each in assets]
