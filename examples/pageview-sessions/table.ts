import type { Results } from './results.ts';

export interface Status {
  readonly title: string;
  readonly lag: number;
  /** Records a second that were processed of late. */
  readonly rate: number;
  readonly inputEnded: boolean;
}

const WIDTH = 100;
const PLAIN_EVERY_MS = 2000;

/** Shows the results as they come: a table that stays in place on a terminal, a line now and then elsewhere. */
export class LiveTable {
  readonly #out: NodeJS.WriteStream;
  #lines = 0;
  #lastPlain = 0;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  /** A line that stays, above the table. */
  say(line: string): void {
    this.#erase();
    this.#out.write(`${line}\n`);
  }

  show(results: Results, status: Status): void {
    if (this.#out.isTTY) {
      const text = render(results, status).map((line) => line.slice(0, (this.#out.columns ?? WIDTH) - 1));
      this.#erase();
      this.#out.write(`${text.join('\n')}\n`);
      this.#lines = text.length;
    } else if (Date.now() - this.#lastPlain >= PLAIN_EVERY_MS) {
      this.#lastPlain = Date.now();
      this.#out.write(`${headline(results, status)}\n`);
    }
  }

  #erase(): void {
    if (this.#lines > 0) this.#out.write(`\x1b[${this.#lines}A\x1b[J`);
    this.#lines = 0;
  }
}

function headline(results: Results, status: Status): string {
  const { records, malformed, users, sessions, windows, late } = results.summary();
  const input = status.inputEnded ? 'input ended' : `${number(status.rate)}/s`;
  const bad = malformed === 0 ? '' : ` · ${number(malformed)} malformed lines`;
  return `${number(records)} page views · ${input} · lag ${number(status.lag)} · ${number(late)} late${bad} · ${number(users)} users · ${number(sessions)} sessions · ${number(windows)} windows`;
}

/** The table's lines. */
export function render(results: Results, status: Status): string[] {
  const { start, pages } = results.latestTop;
  const left = [
    'Sessions that changed last',
    ...results.latestSessions.map(({ user, session }) => {
      const length = session.durationSeconds < 60 ? `${session.durationSeconds}s` : `${Math.round(session.durationSeconds / 60)}m`;
      return `${user.padEnd(16).slice(0, 16)} ${String(session.pages).padStart(4)} pages ${length.padStart(5)}  ${session.entryPage} → ${session.exitPage}`;
    }),
  ];
  const right = [
    start === 0 ? 'Top pages' : `Top pages from ${new Date(start).toISOString().slice(0, 16).replace('T', ' ')}`,
    ...pages.map((page) => `${String(page.views).padStart(6)}  ${page.url}`),
  ];
  const rows = Array.from(
    { length: Math.max(left.length, right.length) },
    (_, row) => `${(left[row] ?? '').padEnd(64).slice(0, 64)}  ${(right[row] ?? '').slice(0, 34)}`,
  );
  return ['', status.title, headline(results, status), '', ...rows];
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en');
}
