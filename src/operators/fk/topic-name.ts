/** Name under which a serde sees the data: a string, or a function where it holds the application id, which a topology does not know while it is built. */
export type TopicName = string | (() => string);

export function topicName(topic: TopicName): string {
  return typeof topic === 'string' ? topic : topic();
}
