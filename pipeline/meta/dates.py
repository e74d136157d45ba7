"""Dates as pages write them, to ISO 8601 as the page states them: no conversion between time zones, no clock.

Machine forms (ISO 8601 and its near misses, RFC 2822, Unix time) and, for visible text, day, month and year in the month
names of about seventy languages. What it cannot know: whether 4/5/2026 is April or May where the language leaves it open;
month first is assumed for American English only.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from unicodedata import normalize

from pipeline.meta.calendars import days_of_other_calendars

# Earlier than the first newspaper archives online, or later than any page could be: a template's placeholder.
EARLIEST_YEAR = 1800
LATEST_YEAR = 2050
# The longest honest text around a date; more is prose, and regexes over prose cost time.
MAX_DATE_CHARS = 200

# Halves of the day, as written before the hour and behind it.
MORNING_BEFORE, EVENING_BEFORE = "\u5348\u524d|\u4e0a\u5348|\uc624\uc804", "\u5348\u5f8c|\u4e0b\u5348|\uc624\ud6c4"
BEFORE_HOUR = rf"(?:(?P<morning>{MORNING_BEFORE})\s*|(?P<evening>{EVENING_BEFORE})\s*)?"
HALF = r"(?P<half>[AaPp]\.?\s?[Mm]\.?(?![A-Za-z])|[\u03c0\u03bc]\.?\s?\u03bc\.?(?!\w)|[\u0635\u0645](?!\w))"
# ``18.30`` is a time unless more digits follow behind a full stop or stand before one: then it is part of a date.
FULL_STOP = r"(?<=\d)(?<!\d\.\d)(?<!\d\.\d\d)\.(?=\d\d(?:\b(?!\.\d)|\s?[AaPp]\.?[Mm]\b|\s?Uhr\b|\s?\u0e19\b))"
HOUR_MARK = rf"(?::|[\u6642\u65f6\u70b9\u9ede]|\uc2dc\s?|\s?giờ\s?|[hH](?=\d|\s\d\d\b(?!\s?min\b))|{FULL_STOP})"
TIME = rf"{BEFORE_HOUR}(?P<hour>[01]?\d|2[0-4])\s*{HOUR_MARK}\s*(?P<minute>[0-5]\d|\d(?=\s?[\u5206\ubd84]))(?::(?P<second>[0-5]\d|60)(?:[.,]\d+)?)?"
ZONE = r"\s*(?P<zone>Z\b|UTC|GMT|[A-Z]{3,4}\b|)\s*(?P<shift>[+\-\u2212]\d{2}:?\d{2}\b|[+\-\u2212]\d{1,2}(?!\d)|)"
CLOCK = re.compile(rf"{TIME}\s*{HALF}?{ZONE}")
CLOCK_HALF = re.compile(rf"\b(?P<hour>1[0-2]|0?[1-9])\s*(?P<half>[AaPp]\.?[Mm]\.?)(?![A-Za-z]){ZONE}")
# Hours alone, where a word says that they are no duration: ``kl 14``, ``14 Uhr``, ``18\u6642``, ``\u00e0 14h``.
BARE_HOUR = r"(?<![\d,:])(?<!\d\.)(?:[01]?\d|2[0-3])(?![\d:]|[.,]\d)"
CLOCK_HOUR = re.compile(
    rf"\b(?:kl|klo|klockan|godz|ore|pukul)\.?\s*(?P<called>{BARE_HOUR})"
    rf"|{BEFORE_HOUR}(?P<counted>{BARE_HOUR})\s*(?:Uhr\b|[\u6642\u65f6](?![\u9593\u95f4])|\uc2dc(?!\uac04))"
    rf"|\b(?:à|às|om|в)\s+(?P<told>{BARE_HOUR})\s*(?:[hH]|heures|horas|uur|часов)\b"
)
# Groups that hold the hour, one of them in each match.
HOURS = ("hour", "called", "counted", "told")
# Second halves of the day by the first letter: ``pm``, ``\u03bc.\u03bc.``, Arabic meem.
EVENING_BEHIND = frozenset("pP\u03bc\u0645")
ISO = re.compile(
    r"(?<!\d)(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})(?!\d)(?:\s*[T,]?\s*)"
)
COMPACT = re.compile(
    r"(?<!\d)(?P<year>\d{4})(?P<month>[01]\d)(?P<day>[0-3]\d)(?:T?(?P<clock>\d{4}(?:\d\d)?)(?P<zone>Z)?)?(?!\d)"
)
COMPACT_CLOCK = re.compile(r"(\d\d)(\d\d)(\d\d)?(Z?)")
NUMERIC = re.compile(
    r"(?<!\d)(?P<first>\d{1,2})\s?(?P<mark>[-/.])\s?(?P<second_>\d{1,2})\s?(?P=mark)\s?(?P<year>\d{4}|\d{2}(?=\s|,|$))(?!\d)"
)
EAST_ASIAN = re.compile(
    r"(?P<year>\d{4})\s*[\u5e74\ub144]\s*(?P<month>\d{1,2})\s*[\u6708\uc6d4]\s*(?P<day>\d{1,2})\s*[\u65e5\uc77c]"
)
KOREAN = re.compile(r"(?<!\d)(?P<year>\d{4})\.\s?(?P<month>\d{1,2})\.\s?(?P<day>\d{1,2})(?!\d)")
VIETNAMESE = re.compile(
    r"(?P<day>\d{1,2})\s*tháng\s*(?P<month>\d{1,2})(?:,|\s)\s*(?:năm\s*)?(?P<year>\d{4})", re.IGNORECASE
)
WORD = r"[^\W\d_][^\s\d,;:/|()]{1,20}"
DAY_FIRST = re.compile(
    rf"(?<![\d:])(?P<day>\d{{1,2}})(?:(?:st|nd|rd|th|er|a|\u00ba|-an?)(?=[\s.]))?[.\s\-]*(?:de\s|d[ei]\s|d['\u2019]|ta['\u2019]\s|of\s)?\s*(?P<name>{WORD})\.?[,\s\-]\s*"
    r"(?:de\s|del\s|of\s|m\.\s)?\s*['\u2019]?(?P<year>\d{4})(?!\d)",
)
MONTH_FIRST = re.compile(
    rf"(?P<name>{WORD})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?,?\s*(?:(?P<late>\d{{1,2}}:\d\d[^,]{{0,12}}),?\s+)?(?P<year>\d{{4}})(?!\d)"
)
YEAR_FIRST = re.compile(
    rf"(?<!\d)(?P<year>\d{{4}})\.?(?:[a-z\u0101\u012b]{{0,3}})?\s+(?:m\.|gada|оны)?\s*(?P<name>{WORD})\.?\s+(?P<day>\d{{1,2}})(?!\d)"
)
DAY_OF_MONTH = re.compile(
    rf"(?<![\d:])\d{{1,2}}(?:st|nd|rd|th|\.)?\s+(?:de\s|of\s)?(?P<behind>{WORD})|\b(?P<before>{WORD})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?(?![\d:])"
)
DIGIT = re.compile(r"\d")
OTHER_DIGIT = re.compile(r"[^\D0-9]")
# A letter or a digit of the Arabic script.
ARABIC = re.compile(r"[\u0600-\u06ff]")
FOUR_DIGITS = re.compile(r"\d{4}")
UNIX = re.compile(r"\d{10}(?:\d{3})?(?:\.\d+)?$")
IN_URL = re.compile(
    r"[/\-_.](?P<year>(?:19|20)\d\d)(?P<mark>[/\-_]?)(?P<month>0[1-9]|1[0-2])(?P=mark)(?P<day>0[1-9]|[12]\d|3[01])(?=[/\-_.]|$)"
)
# Abbreviations that mean one offset everywhere they are used in news; others leave the time local.
ZONES = {
    "Z": "+00:00", "UTC": "+00:00", "GMT": "+00:00", "WET": "+00:00", "BST": "+01:00", "CET": "+01:00", "MEZ": "+01:00", "CEST": "+02:00",
    "MESZ": "+02:00", "SAST": "+02:00", "EET": "+02:00", "EEST": "+03:00", "MSK": "+03:00", "JST": "+09:00", "KST": "+09:00", "HKT": "+08:00",
    "AEST": "+10:00", "AEDT": "+11:00", "NZST": "+12:00", "NZDT": "+13:00", "EST": "-05:00", "EDT": "-04:00", "CDT": "-05:00",
    "MST": "-07:00", "MDT": "-06:00", "PST": "-08:00", "PDT": "-07:00", "WIB": "+07:00", "WITA": "+08:00", "WIT": "+09:00",
}  # fmt: skip


def parse_date(text: str, language: str = "") -> str:
    """The first date in a short text as ISO 8601, with time and offset where stated; empty when there is none.

    >>> parse_date("Published 3. März 2026, 14:05 Uhr")
    '2026-03-03T14:05:00'
    """
    text = text.strip()[:MAX_DATE_CHARS]
    if not DIGIT.search(text):
        return ""
    if UNIX.match(text):
        return _from_unix(text)
    for day, start, end in _days(text, language):
        return _stamp(day, _clock(_in_ascii_digits(text), start, end))
    return ""


def date_in_url(url: str) -> str:
    """The day in an address, ``/2026/03/09/`` or ``-20260309``; empty when there is none."""
    match = IN_URL.search(url[:2_000])
    day = _day(int(match["year"]), int(match["month"]), int(match["day"])) if match else None
    return day.isoformat() if day and day.year >= 1990 else ""


# The same few bylines are asked for their dates several times a page.
@lru_cache(maxsize=256)
def date_spans(text: str, language: str = "") -> tuple[tuple[int, int], ...]:
    """Where dates stand in a short text: start and end, in order, overlaps joined."""
    spans: list[tuple[int, int]] = []
    for _, start, end in sorted(_days(text[:MAX_DATE_CHARS], language), key=lambda found: found[1:]):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return tuple(spans)


def _in_ascii_digits(text: str) -> str:
    """The text with the digits of all scripts as those of this one, at their places."""
    return text if text.isascii() else OTHER_DIGIT.sub(lambda digit: str(int(digit[0])), text)


def yearless_spans(text: str) -> list[tuple[int, int]]:
    """Where a day of a month stands whose year nobody states: start and end, in order."""
    found = DAY_OF_MONTH.finditer(text[:MAX_DATE_CHARS])
    return [match.span() for match in found if _month(match["behind"] or match["before"], "")]


def _days(text: str, language: str) -> Iterator[tuple[dt.date, int, int]]:
    """Valid dates by form, surest form first, each with its start and the offset just past it."""
    persian = language[:2].lower() == "fa" or ARABIC.search(text) is not None
    text = _in_ascii_digits(text)
    if FOUR_DIGITS.search(text):
        yield from _days_of_full_years(text, language)
    for match in NUMERIC.finditer(text):
        year = int(match["year"]) + (2000 if len(match["year"]) == 2 else 0)
        first, second = int(match["first"]), int(match["second_"])
        american = match["mark"] == "/" and language.lower() in {"en", "en-us", "en_us"}
        month, number = (first, second) if (american and first <= 12) or second > 12 else (second, first)
        if day := _day(year, month, number):
            yield day, match.start(), match.end()
    if persian or "年" in text:
        for day, start, end in days_of_other_calendars(text, persian):
            if _is_of_press(day.year, day.month, day.day):
                yield day, start, end


def _days_of_full_years(text: str, language: str) -> Iterator[tuple[dt.date, int, int]]:
    """Dates of the forms that always write a year in full; most short texts with a digit hold no such number."""
    for pattern in (ISO, EAST_ASIAN, KOREAN):
        for match in pattern.finditer(text):
            if day := _day(int(match["year"]), int(match["month"]), int(match["day"])):
                yield day, match.start(), match.end()
    for match in COMPACT.finditer(text):
        if day := _day(int(match["year"]), int(match["month"]), int(match["day"])):
            yield day, match.start(), match.start("clock") if match["clock"] else match.end()
    for pattern in (DAY_FIRST, MONTH_FIRST, YEAR_FIRST):
        for match in pattern.finditer(text):
            month = _month(match["name"], language)
            if month and (day := _day(int(match["year"]), month, int(match["day"]))):
                yield day, match.start(), match.end()
    for match in VIETNAMESE.finditer(text):
        if day := _day(int(match["year"]), int(match["month"]), int(match["day"])):
            yield day, match.start(), match.end()


def _day(year: int, month: int, number: int) -> dt.date | None:
    """A real day in the range of the press; Thai pages count the Buddhist era, 543 years ahead."""
    if 2443 <= year <= 2593:
        year -= 543
    if not _is_of_press(year, month, number):
        return None
    try:
        return dt.date(year, month, number)
    except ValueError:
        return None


def _is_of_press(year: int, month: int, number: int) -> bool:
    """Neither out of range nor the Unix epoch, which a template says that has no date."""
    return EARLIEST_YEAR <= year <= LATEST_YEAR and (year, month, number) != (1970, 1, 1)


def _month(name: str, language: str) -> int:
    """The month's number; 0 for other words."""
    # Folding takes some letters apart, as those of Greek May.
    name = normalize("NFC", name.casefold()).rstrip(".,")
    months = _months()
    return months.get(f"{language[:2].lower()}:{name}") or months.get(name) or months.get(f"cs:{name}", 0)


@cache
def _months() -> dict[str, int]:
    text = files("pipeline").joinpath("data/metadata/months.tsv").read_text("utf-8")
    pairs = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {form: int(month) for form, month in pairs}


def _clock(text: str, start: int, end: int) -> str:
    """The time of day and offset stated behind a date or else before it, ``T14:05:00+01:00``; empty when there is none."""
    compact = COMPACT_CLOCK.match(text, end)
    if compact and ":" not in text:
        return (
            f"T{compact[1]}:{compact[2]}:{compact[3] or '00'}{'+00:00' if compact[4] else ''}"
            if int(compact[1]) < 24
            else ""
        )
    match = _time_beside(text, start, end)
    if match is None:
        return ""
    said = match.groupdict("")
    hour = int(next(said[name] for name in HOURS if said.get(name)))
    half = said.get("half", "")
    if half or said.get("morning") or said.get("evening"):
        hour = hour % 12 + (12 if said.get("evening") or half[:1] in EVENING_BEHIND else 0)
    if hour > 23:
        return ""
    minute, second = int(said.get("minute") or 0), min(int(said.get("second") or 0), 59)
    return f"T{hour:02d}:{minute:02d}:{second:02d}{_offset(said.get('zone', ''), said.get('shift', ''))}"


def _time_beside(text: str, start: int, end: int) -> re.Match[str] | None:
    """The surest time behind a date, before it, or amid it; the date's own digits are no time."""
    for pattern in (CLOCK, CLOCK_HALF, CLOCK_HOUR):
        if match := pattern.search(text, end) or pattern.search(text, 0, start):
            return match
    # ``Mar 09 14:05:00 UTC 2026``; no date has a colon of its own.
    return CLOCK.search(text, start, end) if ":" in text[start:end] else None


def _offset(zone: str, shift: str) -> str:
    """``+02:00`` from a numeric shift or a zone's name; empty when neither says."""
    if shift:
        digits = shift[1:].replace(":", "").rjust(2, "0").ljust(4, "0")
        sign = "+" if shift[0] == "+" else "-"
        return f"{sign}{digits[:2]}:{digits[2:]}" if int(digits[:2]) <= 14 and int(digits[2:]) < 60 else ""
    return ZONES.get(zone, "")


def _stamp(day: dt.date, clock: str) -> str:
    return day.isoformat() + clock


def _from_unix(text: str) -> str:
    """Unix time in seconds or milliseconds, which is UTC."""
    digits = text.split(".", maxsplit=1)[0]
    seconds = int(digits[:10])
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return moment.isoformat() if 1990 <= moment.year <= LATEST_YEAR else ""
