import { KafkaClientError, KafkaErrorCode } from '../../kafka/errors.ts';
import { UnknownTopicError } from '../kafka-record-collector.ts';
import type { TopicMetadata } from '../topics/topic-metadata.ts';

/** Whether a fresh start from the committed offsets cures an error of the record path: a position that is out of range by now, or an output topic that exists after all. */
export async function isCurable(error: unknown, metadata: TopicMetadata): Promise<boolean> {
  if (error instanceof KafkaClientError && (error.kafkaCode === KafkaErrorCode.autoOffsetReset || error.kafkaCode === KafkaErrorCode.offsetOutOfRange))
    return true;
  const unknown = unknownTopic(error);
  return unknown !== undefined && (await metadata.refresh(new Set([unknown]))).length === 0;
}

function unknownTopic(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof UnknownTopicError) return cause.topic;
  return undefined;
}
