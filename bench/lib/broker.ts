import { sharedBroker, startBroker, type TestBroker } from '../../test/support/broker.ts';

/** `KAFKA_BOOTSTRAP`, else a broker of one's own: what shares it would be measured too, or be harmed. */
export function driverBroker(): Promise<TestBroker> {
  return process.env.KAFKA_BOOTSTRAP ? sharedBroker() : startBroker({ heapMb: 512 });
}
