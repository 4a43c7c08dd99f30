const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** Named zones of RFC 5322 4.3, in minutes east of UTC. */
const zones = new Map([
  ["gmt", 0],
  ["ut", 0],
  ["utc", 0],
  ["z", 0],
  ["est", -300],
  ["edt", -240],
  ["cst", -360],
  ["cdt", -300],
  ["mst", -420],
  ["mdt", -360],
  ["pst", -480],
  ["pdt", -420],
]);

/** RFC 5322 3.3 and its obsolete forms: two- and three-digit years, dashes between the parts, one-digit seconds. */
const mailDate =
  /^(?:[A-Za-z]{2,9}\.?,?\s*)?(\d{1,2})[\s-]+([A-Za-z]{3,9})\.?[\s-]+(\d{2,4}),?\s+(\d{1,2}):(\d{2})(?::(\d{1,2})(?:\.\d+)?)?(?!\d)/;
/** What may follow: an offset, sometimes with three digits, or a name; then comments. */
const zoneOf = /^\s*(?:([+-])(\d{1,2}):?(\d{2})|([A-Za-z]{1,5})|)\s*(?:\(.*)?$/s;

export interface MailDate {
  /** ISO 8601 UTC. */
  readonly iso: string;
  /** True when the zone could not be read; UTC is then assumed. */
  readonly isZoneGuessed: boolean;
}

/** A Date field, or undefined when it cannot be read. The machine's own time zone never enters. */
export function parseMailDate(value: string): MailDate | undefined {
  const match = mailDate.exec(value);
  const local = match ? localTime(match) : undefined;
  const offset = match ? readOffset(value.slice(match[0].length)) : undefined;
  if (local !== undefined && offset !== undefined) return asDate(local - offset * 60_000, false);
  if (match && local === undefined) return undefined;
  const hasZone = /[+-]\d{2}:?\d{2}\b|\b(?:GMT|UTC?|[ECMP][SD]T)\b|\dZ$/.test(value);
  const other = asDate(Date.parse(hasZone ? value : `${value} UTC`), false);
  return other ?? (local === undefined ? undefined : asDate(local, true));
}

/** Epoch ms of the date and time as if in UTC; undefined for a day or time that does not exist. */
function localTime([, day, monthName = "", year = "", hour, minute, second = "0"]: RegExpExecArray): number | undefined {
  const month = months.indexOf(monthName.slice(0, 3).toLowerCase());
  if (month < 0 || Number(hour) > 24 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(fullYear(year), month, Number(day));
  if (date.getUTCMonth() !== month) return undefined;
  return date.setUTCHours(Number(hour), Number(minute), Number(second));
}

/** Minutes east of UTC; undefined for text that is no zone. No zone at all is UTC. */
function readOffset(rest: string): number | undefined {
  const match = zoneOf.exec(rest);
  if (!match) return undefined;
  const [, sign, hours, minutes, name] = match;
  if (name !== undefined) return zones.get(name.toLowerCase());
  if (sign === undefined) return 0;
  return (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -1 : 1);
}

/** RFC 5322 4.3: 00 to 49 is this century, 50 to 99 and three digits count from 1900. */
function fullYear(text: string): number {
  const year = Number(text);
  if (text.length >= 4) return year;
  return text.length === 2 && year < 50 ? 2000 + year : 1900 + year;
}

/** Years 1 to 9999: outside of them ISO 8601 needs more digits than readers expect. */
function asDate(time: number, isZoneGuessed: boolean): MailDate | undefined {
  const isInRange = time >= -62_135_596_800_000 && time <= 253_402_300_799_999;
  return isInRange ? { iso: new Date(time).toISOString(), isZoneGuessed } : undefined;
}
