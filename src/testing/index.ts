export { type EmbeddedBroker, type EmbeddedBrokerOptions, startEmbeddedBroker } from '../kafka/embedded.ts';
export type { ProducedRecord } from './produced-record.ts';
export { type InputTopicOptions, TestInputTopic } from './test-input-topic.ts';
export { type ExpectedRecord, TestOutputTopic } from './test-output-topic.ts';
export { type TestHeaders, TestRecord } from './test-record.ts';
export { type TestMetrics, TopologyTestDriver, type TopologyTestDriverOptions } from './topology-test-driver.ts';
