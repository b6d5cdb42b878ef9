export type ServerProperties = Readonly<Record<string, string>>;

/** What a test broker has in common however it is run: small, quick to answer, never deleting a record because its timestamp is old. */
export function testProperties(brokers: number): ServerProperties {
  const replicas = String(brokers);
  return {
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'share.coordinator.state.topic.replication.factor': replicas,
    'min.insync.replicas': brokers > 2 ? '2' : '1',
    'transaction.state.log.min.isr': brokers > 2 ? '2' : '1',
    'share.coordinator.state.topic.min.isr': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '4',
    'log.retention.ms': '-1',
    'log.cleaner.dedupe.buffer.size': '2097152',
    'group.initial.rebalance.delay.ms': '0',
    // So that a test of a frozen member need not last a minute.
    'group.min.session.timeout.ms': '500',
    'group.consumer.min.session.timeout.ms': '1000',
    'group.consumer.session.timeout.ms': '6000',
    'group.consumer.min.heartbeat.interval.ms': '500',
    'group.consumer.heartbeat.interval.ms': '1000',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
    // A killed broker may come back only when the controller has given up its predecessor.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '500',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'background.threads': '2',
  };
}

export function propertiesFile(properties: ServerProperties): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('');
}

/** The names under which the apache/kafka image takes properties from its environment. */
export function containerEnvironment(properties: ServerProperties): Record<string, string> {
  const name = (key: string): string => key.replaceAll('_', '___').replaceAll('-', '__').replaceAll('.', '_').toUpperCase();
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [`KAFKA_${name(key)}`, value]));
}
