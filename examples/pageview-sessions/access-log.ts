import type { PageView } from './types.ts';

/** A line that is not a page view, and why. */
export interface NotAPageView {
  readonly reason: string;
}

const MONTHS = new Map(['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'].map((name, index) => [name, index]));

// client identity user [time] "request" status bytes "referrer" "user agent"; servers may add fields after these.
const QUOTED = '"((?:[^"\\\\]|\\\\.)*)"';
const COMBINED = new RegExp(`^(\\S+) \\S+ (.+?) \\[([^\\]]+)\\] ${QUOTED} (\\d{3}) (\\d+|-) ${QUOTED} ${QUOTED}(?: .*)?$`);
const TIME = /^(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})$/;
const REQUEST = /^[A-Z]+ (\S+)(?: HTTP\/\d(?:\.\d)?)?$/;

/**
 * One line of a web server's log in the combined format. The user is the authenticated one, else the client's address; the page is the request's
 * target as it stands there.
 */
export function parseAccessLogLine(line: string): PageView | NotAPageView {
  const fields = COMBINED.exec(line);
  if (fields === null) return { reason: 'not in the combined log format' };
  const [, client, user, time, request] = fields as unknown as [string, string, string, string, string];
  const at = parseTime(time);
  if (at === undefined) return { reason: `'${time}' is not a time` };
  const url = REQUEST.exec(request)?.[1];
  if (url === undefined) return { reason: `'${request.slice(0, 80)}' is not a request for a page` };
  return { user: user === '-' ? client : user, url, at };
}

/** `17/May/2015:10:05:03 +0000` as epoch milliseconds; undefined when there is no such moment. */
function parseTime(text: string): number | undefined {
  const parts = TIME.exec(text);
  if (parts === null) return undefined;
  const month = MONTHS.get(parts[2] as string);
  if (month === undefined) return undefined;
  const [day, year, hour, minute, second, zoneHours, zoneMinutes] = [1, 3, 4, 5, 6, 8, 9].map((index) => Number(parts[index])) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (hour > 23 || minute > 59 || second > 60 || zoneMinutes > 59) return undefined;
  const local = Date.UTC(year, month, day, hour, minute, second);
  if (day === 0 || new Date(Date.UTC(year, month, day)).getUTCDate() !== day) return undefined;
  const offset = (zoneHours * 60 + zoneMinutes) * 60_000;
  return parts[7] === '+' ? local - offset : local + offset;
}
