/** Times as mailfleet says them, the same in every locale. All instants are epoch ms, all spans ms. */

/** Local time of this machine, UTC, or minutes east of UTC. */
export type Zone = "local" | "utc" | number;

export interface TimeStyle {
  readonly now: number;
  readonly zone: Zone;
  /** hh:mm:ss in place of hh:mm. */
  readonly seconds?: boolean;
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A measured span: `0.3 ms`, `212 ms`, `3.1 s`, `14.2 s`, `3 min 12 s`, `2 h 10 min`; two units at most, rounded down. */
export function formatDuration(ms: number): string {
  const span = Math.max(0, ms);
  if (span < 10) return `${Math.floor(span * 10) / 10} ms`;
  if (span < second) return `${Math.floor(span)} ms`;
  if (span < minute) return `${(Math.floor(span / 100) / 10).toFixed(1)} s`;
  if (span < hour) return twoUnits(span, minute, "min", second, "s");
  return longSpan(span);
}

/** How old or how far something is: `40 s`, `22 min`, `2 h 10 min`, `1 d 5 h`; whole, rounded down. */
export function formatAge(ms: number): string {
  const span = Math.max(0, ms);
  if (span < minute) return `${Math.floor(span / second)} s`;
  if (span < hour) return `${Math.floor(span / minute)} min`;
  return longSpan(span);
}

/** `40 s ago` */
export function formatAgo(at: number, now: number): string {
  return `${formatAge(now - at)} ago`;
}

/** `in 3 min`, rounded up, so that the promise is kept; `now` when it is due. */
export function formatIn(at: number, now: number): string {
  const left = at - now;
  if (left <= 0) return "now";
  const step = left > 2 * minute ? minute : second;
  return `in ${formatAge(Math.ceil(left / step) * step)}`;
}

/** What is left, not more exact than it is known: `6 s`, `50 s`, `4 min`, `1 h 40 min`, `3 h`. Say `about` before it. */
export function formatRoughly(ms: number): string {
  const span = Math.max(second, ms);
  if (span <= 10 * second) return `${Math.ceil(span / second)} s`;
  if (span <= 55 * second) return `${Math.ceil(span / (10 * second)) * 10} s`;
  if (span <= 10 * minute) return `${Math.ceil(span / minute)} min`;
  if (span <= 2 * hour) return formatAge(Math.ceil(span / (10 * minute)) * 10 * minute);
  if (span <= 2 * day) return `${Math.ceil(span / hour)} h`;
  return `${Math.ceil(span / day)} days`;
}

/** `14:03`, `14:03:14`, with the date when it is more than 24 h away: `Sun 29 Nov 14:03`. UTC ends in `Z`. */
export function formatClock(at: number, style: TimeStyle): string {
  const shown = shifted(at, style.zone);
  const time = shown.toISOString().slice(11, style.seconds === true ? 19 : 16) + (style.zone === "utc" ? "Z" : "");
  return Math.abs(at - style.now) > day ? `${dayOf(shown)} ${time}` : time;
}

/**
 * A deadline: like {@link formatClock}, but rounded up to the next minute, because nothing happens before it. One that is at most two
 * minutes away has its seconds: beside `next try in 14 s` a whole minute would contradict it.
 */
export function formatDeadline(at: number, style: TimeStyle): string {
  const left = at - style.now;
  const seconds = style.seconds === true || (left > 0 && left <= 2 * minute);
  const step = seconds ? second : minute;
  return formatClock(Math.ceil(at / step) * step, { ...style, seconds });
}

/** `Sun 29 Nov` */
export function formatDay(at: number, zone: Zone): string {
  return dayOf(shifted(at, zone));
}

/** `2026-11-23T14:03:02Z` */
export function formatUtc(at: number): string {
  return `${validDate(at).toISOString().slice(0, 19)}Z`;
}

const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function dayOf(shown: Date): string {
  return `${weekdays[shown.getUTCDay()]} ${shown.getUTCDate()} ${months[shown.getUTCMonth()]}`;
}

/** A date whose UTC fields are the zone's clock. */
function shifted(at: number, zone: Zone): Date {
  const date = validDate(at);
  if (zone === "utc") return date;
  const east = zone === "local" ? -date.getTimezoneOffset() : zone;
  return validDate(at + east * minute);
}

/** Times come from Redis: what no date can be is shown as 1970 and not thrown. */
function validDate(at: number): Date {
  return new Date(Math.abs(at) <= 8.6e15 ? at : 0);
}

function longSpan(span: number): string {
  if (span < day) return twoUnits(span, hour, "h", minute, "min");
  return span < 7 * day ? twoUnits(span, day, "d", hour, "h") : `${Math.floor(span / day)} d`;
}

function twoUnits(span: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((span % large) / small);
  return `${Math.floor(span / large)} ${largeName}${rest === 0 ? "" : ` ${rest} ${smallName}`}`;
}
