import { seededRandom } from '../../examples/pageview-sessions/random.ts';
import type { Event } from '../service/shapes.ts';

const USERS = 300;
const PAGES = 60;
/** Users come in three shifts: each is away long enough for its session to end. */
const SHIFT_MS = 40 * 60_000;
const SHIFTS = 3;
const OUT_OF_ORDER_MS = 10_000;

/**
 * Events with known answers: ids count up, event time passes by `stepMs` an event on average, a tenth arrives some seconds out of order, and users
 * have several sessions each. Deterministic for its seed.
 */
export function* events(seed: number, startAt: number, stepMs: number): Generator<Event, never, undefined> {
  const random = seededRandom(seed);
  let now = startAt;
  for (let id = 0; ; id += 1) {
    now += 2 * stepMs * random();
    const at = Math.floor(now - (random() < 0.1 ? random() * OUT_OF_ORDER_MS : 0));
    const shift = Math.floor(at / SHIFT_MS) % SHIFTS;
    const user = `user-${Math.floor((random() * USERS) / SHIFTS) * SHIFTS + shift}`;
    yield { id, user, page: `/page-${Math.floor(random() ** 2 * PAGES)}`, at };
  }
}
