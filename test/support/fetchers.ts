import type { FetchConsumerOptions } from '../../src/kafka/contract.ts';

/** Both consumers that fetch, for tests of the contract that they share: librdkafka's serves those whose configuration the direct one cannot do. */
export const FETCHERS: readonly { readonly name: 'direct' | 'librdkafka'; readonly overrides: NonNullable<FetchConsumerOptions['overrides']> }[] = [
  { name: 'direct', overrides: {} },
  // A property that only librdkafka has, and that changes nothing here.
  { name: 'librdkafka', overrides: { 'check.crcs': true } },
];
