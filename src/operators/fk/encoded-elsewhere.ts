import type { Serde } from '../../serdes/serde.ts';
import { type TopicName, topicName } from './topic-name.ts';

/** A serde of any type, as far as it prepares. */
export interface PreparingSerde {
  prepareEncode?(topics: readonly string[]): Promise<void>;
  withDefaults?(defaultKey: Serde<unknown> | undefined, defaultValue: Serde<unknown> | undefined): PreparingSerde;
}

/**
 * A serde that a foreign-key join's operators encode with themselves, under a name that is no topic. It prepares together with the serde of the
 * join's internal topic in the same sub-topology, since only serdes of sinks and stores are asked to.
 */
export interface EncodedElsewhere {
  /** Undefined: the configuration's default of that kind. */
  readonly serde: PreparingSerde | undefined;
  readonly topic: TopicName;
  readonly kind: 'key' | 'value';
}

export function withDefaultSerdes(
  elsewhere: readonly EncodedElsewhere[],
  defaultKey: Serde<unknown> | undefined,
  defaultValue: Serde<unknown> | undefined,
): readonly EncodedElsewhere[] {
  return elsewhere.map(({ serde, topic, kind }) => {
    const used: PreparingSerde | undefined = serde ?? (kind === 'key' ? defaultKey : defaultValue);
    return { serde: used?.withDefaults?.(defaultKey, defaultValue) ?? used, topic, kind };
  });
}

/** Undefined when there is nothing to prepare. */
export function prepareAll(
  own: PreparingSerde | undefined,
  ownTopics: (topics: readonly string[]) => readonly string[],
  elsewhere: readonly EncodedElsewhere[],
) {
  if (own?.prepareEncode === undefined && elsewhere.every(({ serde }) => serde?.prepareEncode === undefined)) return undefined;
  return async (topics: readonly string[]): Promise<void> => {
    await Promise.all([own?.prepareEncode?.(ownTopics(topics)), ...elsewhere.map(({ serde, topic }) => serde?.prepareEncode?.([topicName(topic)]))]);
  };
}
