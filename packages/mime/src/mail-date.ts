const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** RFC 5322 4.3. Unknown names count as UTC there, so only those with an offset stand here, in minutes. */
const zones = new Map(Object.entries({ est: -300, edt: -240, cst: -360, cdt: -300, mst: -420, mdt: -360, pst: -480, pdt: -420 }));

/** RFC 5322 3.3 and its obsolete forms: two- and three-digit years, named zones, dashes between the parts. */
const mailDate =
  /^(?:[A-Za-z]{2,9}\.?,?\s*)?(\d{1,2})[\s-]+([A-Za-z]{3,9})\.?[\s-]+(\d{2,4}),?\s+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(?:([+-])(\d{2}):?(\d{2})|([A-Za-z]{1,5}))?/;

/**
 * A Date field as ISO 8601 UTC, or undefined when it cannot be read. The machine's own time zone never enters: a time without
 * zone is UTC.
 */
export function parseMailDate(value: string): string | undefined {
  const match = mailDate.exec(value);
  if (match) {
    const [, day, monthName = "", yearText = "", hour, minute, second = "0", sign, offsetHours, offsetMinutes, zone = ""] = match;
    const month = months.indexOf(monthName.slice(0, 3).toLowerCase());
    if (month < 0) return undefined;
    const offset =
      sign === undefined
        ? (zones.get(zone.toLowerCase()) ?? 0)
        : (Number(offsetHours) * 60 + Number(offsetMinutes)) * (sign === "-" ? -1 : 1);
    const date = new Date(Date.UTC(fullYear(yearText), month, Number(day), Number(hour), Number(minute), Number(second)));
    // 31 February is no date; a leap second is
    if (date.getUTCMonth() !== month && Number(day) > 28) return undefined;
    return toIso(date.getTime() - offset * 60_000);
  }
  const hasZone = /[+-]\d{2}:?\d{2}\b|\b(?:GMT|UTC?|[ECMP][SD]T)\b|\dZ$/.test(value);
  return toIso(Date.parse(hasZone ? value : `${value} UTC`));
}

/** RFC 5322 4.3: 00 to 49 is this century, 50 to 99 and three digits count from 1900. */
function fullYear(text: string): number {
  const year = Number(text);
  if (text.length >= 4) return year;
  return text.length === 2 && year < 50 ? 2000 + year : 1900 + year;
}

function toIso(time: number): string | undefined {
  // outside of these years ISO 8601 needs more digits than readers expect
  return time >= -62_135_596_800_000 && time <= 253_402_300_799_999 ? new Date(time).toISOString() : undefined;
}
