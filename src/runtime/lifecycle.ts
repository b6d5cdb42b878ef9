import { IllegalStateError } from '../errors.ts';

/*
 * Lifecycle of a KafkaStreams instance, as Kafka Streams' own:
 *
 *                     start()             tasks ready
 *      ┌─────────┐   ┌─────────────┐   ┌─────────┐
 *      │ CREATED ├──>│ REBALANCING ├──>│ RUNNING │
 *      └──┬──────┘   │             │<──┤         │
 *         │          └──┬───────┬──┘   └─┬────┬──┘
 *         │             │       │ group  │    │
 *         │ close()     │close()│rebalance    │ an error that stops the service
 *         │             ▼       └───┐    │    ▼
 *         │   ┌──────────────────┐  │    │  ┌───────────────┐
 *         └──>│ PENDING_SHUTDOWN │<─┼────┘  │ PENDING_ERROR │<── also from REBALANCING
 *             └────────┬─────────┘  └──────>└───────┬───────┘
 *                      ▼                            ▼
 *             ┌──────────────────┐           ┌───────────────┐
 *             │   NOT_RUNNING    │           │     ERROR     │
 *             └──────────────────┘           └───────────────┘
 */
export type StreamsState = 'CREATED' | 'REBALANCING' | 'RUNNING' | 'PENDING_SHUTDOWN' | 'NOT_RUNNING' | 'PENDING_ERROR' | 'ERROR';

const TRANSITIONS: { readonly [from in StreamsState]: readonly StreamsState[] } = {
  CREATED: ['REBALANCING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  REBALANCING: ['RUNNING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  RUNNING: ['REBALANCING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  PENDING_SHUTDOWN: ['NOT_RUNNING', 'PENDING_ERROR'],
  NOT_RUNNING: [],
  PENDING_ERROR: ['ERROR'],
  ERROR: [],
};

/** The current state, and the only way to change it. */
export class Lifecycle {
  private current: StreamsState = 'CREATED';
  private readonly listener: (next: StreamsState, previous: StreamsState) => void;

  constructor(listener: (next: StreamsState, previous: StreamsState) => void) {
    this.listener = listener;
  }

  get state(): StreamsState {
    return this.current;
  }

  is(...states: StreamsState[]): boolean {
    return states.includes(this.current);
  }

  /** @throws IllegalStateError when the table has no such transition. Going to the state that is current does nothing. */
  to(next: StreamsState): void {
    const previous = this.current;
    if (next === previous) return;
    if (!TRANSITIONS[previous].includes(next)) {
      throw new IllegalStateError(
        `A KafkaStreams that is ${previous} cannot become ${next}${previous === 'NOT_RUNNING' || previous === 'ERROR' ? ': create a new one' : ''}`,
      );
    }
    this.current = next;
    this.listener(next, previous);
  }
}
