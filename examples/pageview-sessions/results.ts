import { serdes, type Windowed } from 'millrace';
import type { Message } from './kafka.ts';
import type { Topics } from './topology.ts';
import type { PageCount, Session } from './types.ts';

/** What a run came to. Every number is taken from the committed records of the output topics. */
export interface Summary {
  /** Page views that were processed: counted in a window, or late. */
  records: number;
  /** Lines of the access log that are not page views. */
  malformed: number;
  /** Users with at least one session. */
  users: number;
  sessions: number;
  /** Pages × windows with at least one view. */
  windows: number;
  /** Page views that came after their window had closed. */
  late: number;
}

export interface SessionRow {
  readonly user: string;
  readonly session: Session;
}

const SHOWN = 8;

/** The final tables, rebuilt from the output topics as anybody would: the last value of a key counts, a tombstone removes it. */
export class Results {
  readonly #topics: Topics;
  readonly #sessionKey = serdes.sessionWindowed(serdes.string);
  readonly #windowKey;
  readonly #session = serdes.json<Session>();
  readonly #top = serdes.json<PageCount[]>();
  readonly #sessionsOfUser = new Map<string, Map<string, number>>();
  readonly #counts = new Map<string, number>();
  #latest: SessionRow[] = [];
  #latestTop: { start: number; pages: PageCount[] } = { start: 0, pages: [] };
  #counted = 0;
  #sessions = 0;
  #late = 0;
  #malformed = 0;

  constructor(topics: Topics, windowMs: number) {
    this.#topics = topics;
    this.#windowKey = serdes.timeWindowed(serdes.string, windowMs);
  }

  add({ topic, key, value }: Pick<Message, 'topic' | 'key' | 'value'>): void {
    if (topic === this.#topics.late) this.#late += 1;
    else if (topic === this.#topics.malformed) this.#malformed += 1;
    else if (topic === this.#topics.counts) this.#addCount(topic, key as Buffer, value as Buffer);
    else if (topic === this.#topics.top) this.#addTop(topic, key as Buffer, value as Buffer);
    else this.#addSession(topic, key as Buffer, value);
  }

  summary(): Summary {
    return {
      records: this.#counted + this.#late,
      malformed: this.#malformed,
      users: this.#sessionsOfUser.size,
      sessions: this.#sessions,
      windows: this.#counts.size,
      late: this.#late,
    };
  }

  /** Sessions that changed last, newest first. */
  get latestSessions(): readonly SessionRow[] {
    return this.#latest;
  }

  /** The newest window that has a ranking. */
  get latestTop(): { readonly start: number; readonly pages: readonly PageCount[] } {
    return this.#latestTop;
  }

  #addCount(topic: string, key: Buffer, value: Buffer): void {
    const id = key.toString('latin1');
    const views = serdes.long.deserialize(topic, value);
    this.#counted += views - (this.#counts.get(id) ?? 0);
    this.#counts.set(id, views);
  }

  #addTop(topic: string, key: Buffer, value: Buffer): void {
    const { window } = this.#windowKey.deserialize(topic, key);
    if (window.start >= this.#latestTop.start) this.#latestTop = { start: window.start, pages: this.#top.deserialize(topic, value) };
  }

  #addSession(topic: string, key: Buffer, value: Buffer | null): void {
    const windowed: Windowed<string> = this.#sessionKey.deserialize(topic, key);
    const id = key.toString('latin1');
    const ofUser = this.#sessionsOfUser.get(windowed.key) ?? new Map<string, number>();
    this.#sessions -= ofUser.size;
    if (value === null) {
      ofUser.delete(id);
    } else {
      const session = this.#session.deserialize(topic, value);
      ofUser.set(id, session.pages);
      this.#latest = [{ user: windowed.key, session }, ...this.#latest.filter((row) => row.user !== windowed.key)].slice(0, SHOWN);
    }
    this.#sessions += ofUser.size;
    if (ofUser.size === 0) this.#sessionsOfUser.delete(windowed.key);
    else this.#sessionsOfUser.set(windowed.key, ofUser);
  }
}
