import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaClients, MembershipConsumer, MembershipOptions, Producer, RebalanceEvent } from '../../../src/kafka/contract.ts';
import { KafkaClientError } from '../../../src/kafka/errors.ts';

export const T = 15_000;

const open: (() => Promise<void>)[] = [];

/** Closes what the test has opened, also when it failed: an open client keeps the process alive. */
export async function closeAll(): Promise<void> {
  for (const close of open.splice(0).reverse()) await close();
}

/** A member that takes and gives what it is told to, polled until it is stopped. */
export class Member {
  readonly consumer: MembershipConsumer;
  readonly owned = new Set<number>();
  readonly events: RebalanceEvent[] = [];
  #polling = true;
  #loop: Promise<void>;
  #closed = false;

  private constructor(consumer: MembershipConsumer) {
    this.consumer = consumer;
    this.#loop = Promise.resolve();
  }

  static async join(clients: KafkaClients, topic: string, options: Partial<MembershipOptions> & { groupId: string }): Promise<Member> {
    const consumer = clients.membership({
      groupProtocol: 'classic',
      sessionTimeoutMs: 10_000,
      heartbeatIntervalMs: 500,
      maxPollIntervalMs: 30_000,
      ...options,
    });
    const member = new Member(consumer);
    open.push(() => member.close());
    await consumer.connect(T);
    consumer.subscribe(topic, (event) => member.#rebalanced(event));
    member.resumePolling();
    return member;
  }

  /** As a process that hangs: its client stays up, nobody polls it. */
  async stopPolling(): Promise<void> {
    this.#polling = false;
    await this.#loop;
  }

  resumePolling(): void {
    this.#polling = true;
    this.#loop = this.#poll();
  }

  async owns(...partitions: number[]): Promise<void> {
    await until(`it owns ${partitions}; it owns ${[...this.owned]}`, () => this.owned.size === partitions.length && partitions.every((p) => this.owned.has(p)));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.stopPolling();
    await this.consumer.close();
  }

  #rebalanced(event: RebalanceEvent): void {
    this.events.push(event);
    if (event.kind === 'assign') {
      this.consumer.incrementalAssign(event.partitions);
      for (const p of event.partitions) this.owned.add(p.partition);
    } else {
      for (const p of event.partitions) this.owned.delete(p.partition);
      this.consumer.incrementalUnassign(event.partitions);
    }
  }

  async #poll(): Promise<void> {
    while (this.#polling) {
      await this.consumer.poll();
      await sleep(10);
    }
  }
}

export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain until ${what}`);
    await sleep(20);
  }
}

export async function transactional(clients: KafkaClients, transactionalId: string, transactionTimeoutMs = T): Promise<Producer> {
  const producer = clients.producer({ transactionalId, transactionTimeoutMs });
  open.push(() => producer.close(2000));
  await producer.connect(T);
  await producer.initTransactions(30_000);
  return producer;
}

/** The error of a call that has to fail. */
export async function failure(call: Promise<unknown>): Promise<KafkaClientError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof KafkaClientError) return error;
    throw error;
  }
  throw new Error('The call succeeded');
}
