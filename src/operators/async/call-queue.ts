import { Fifo } from '../../util/fifo.ts';

/** Runs at most so many jobs at once; jobs with one key one after the other. Jobs whose key is undefined have no order. */
export class CallQueue<J extends { readonly key: unknown }> {
  readonly #concurrency: number;
  readonly #start: (job: J) => void;
  /** Keys with a job that runs or is next to run, and the jobs behind it. */
  readonly #byKey = new Map<unknown, Fifo<J> | undefined>();
  /** Jobs that only wait for room. */
  readonly #runnable = new Fifo<J>();
  #running = 0;

  /** @param start begins a job; must not call `done` before it returns. */
  constructor(concurrency: number, start: (job: J) => void) {
    this.#concurrency = concurrency;
    this.#start = start;
  }

  add(job: J): void {
    const { key } = job;
    if (key !== undefined) {
      if (this.#byKey.has(key)) {
        const behind = this.#byKey.get(key) ?? new Fifo<J>();
        behind.push(job);
        this.#byKey.set(key, behind);
        return;
      }
      this.#byKey.set(key, undefined);
    }
    this.#runnable.push(job);
    this.#startSome();
  }

  /** A job has ended. */
  done(job: J): void {
    this.#running--;
    const { key } = job;
    if (key !== undefined) {
      const next = this.#byKey.get(key)?.shift();
      if (next === undefined) this.#byKey.delete(key);
      else this.#runnable.push(next);
    }
    this.#startSome();
  }

  /** Forget what waits. */
  clear(): void {
    this.#runnable.clear();
    this.#byKey.clear();
  }

  #startSome(): void {
    while (this.#running < this.#concurrency && this.#runnable.length > 0) {
      this.#running++;
      this.#start(this.#runnable.shift() as J);
    }
  }
}
