"""Days counted by other calendars than the Gregorian, as news of some countries write them: Japan's eras, Taiwan's republic, Iran's sun.

The year of Iran begins at the spring equinox; here leap years follow the cycle of 33 years, which gives the days of 1206 to 1497 that
Iran's calendar has (Heydari-Malayeri 2004). What it leaves out: Islamic lunar dates, which are sighted, and Nepal's, which need tables.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

# The year before the first one of each era.
ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911, "明治": 1867, "民國": 1911, "民国": 1911}
ERA = re.compile(
    rf"(?P<era>{'|'.join(ERAS)})\s*(?P<year>\d{{1,3}}|元)\s*年\s*(?P<month>\d{{1,2}})\s*月\s*(?P<day>\d{{1,2}})\s*日"
)
SOLAR_MONTHS = (
    "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند",
)  # fmt: skip
SOLAR_NAMED = re.compile(
    rf"(?<!\d)(?P<day>\d{{1,2}})\s+(?P<month>{'|'.join(SOLAR_MONTHS)})\s*(?:ماه\s*)?،?\s*(?P<year>\d{{4}})(?!\d)"
)
SOLAR_NUMERIC = re.compile(r"(?<!\d)(?P<year>1[34]\d\d)(?P<mark>[-/])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})(?!\d)")
# What Arabic keyboards write for two Persian letters.
PERSIAN = str.maketrans("يك", "یک")
# In numbers alone, a later year is one of the Islamic lunar calendar, and no page online is of an earlier one.
NUMERIC_YEARS = range(1370, 1416)
# Days before the first year, counted as `datetime.date.toordinal` does.
SOLAR_EPOCH = 226_895
LONG_MONTHS = 6


def days_of_other_calendars(text: str, persian: bool) -> Iterator[tuple[dt.date, int, int]]:
    """Valid dates in a short text, each with its start and the offset just past it. `persian`: numbers alone may be days of Iran."""
    for match in ERA.finditer(text):
        year = ERAS[match["era"]] + (1 if match["year"] == "元" else int(match["year"]))
        if day := _gregorian(year, int(match["month"]), int(match["day"])):
            yield day, match.start(), match.end()
    for match in SOLAR_NAMED.finditer(text.translate(PERSIAN)):
        if day := solar_day(int(match["year"]), SOLAR_MONTHS.index(match["month"]) + 1, int(match["day"])):
            yield day, match.start(), match.end()
    for match in SOLAR_NUMERIC.finditer(text) if persian else ():
        year = int(match["year"])
        if year in NUMERIC_YEARS and (day := solar_day(year, int(match["month"]), int(match["day"]))):
            yield day, match.start(), match.end()


def solar_day(year: int, month: int, day: int) -> dt.date | None:
    """The Gregorian day of one of Iran's calendar; None for one that it does not have.

    >>> solar_day(1403, 1, 1)
    datetime.date(2024, 3, 20)
    """
    lengths = [31] * LONG_MONTHS + [30] * 5 + [30 if _days_before(year + 1) - _days_before(year) == 366 else 29]
    if not 1 <= month <= 12 or not 1 <= day <= lengths[month - 1] or not 1206 <= year <= 1497:
        return None
    return dt.date.fromordinal(SOLAR_EPOCH + _days_before(year) + sum(lengths[: month - 1]) + day - 1)


def _days_before(year: int) -> int:
    """Days of all years before one of Iran's."""
    return 365 * (year - 1) + (8 * year + 21) // 33


def _gregorian(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
