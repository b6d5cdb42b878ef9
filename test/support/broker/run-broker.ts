import { containersLikely, startContainerBroker } from './container-cluster.ts';
import { type ClusterOptions, JavaCluster } from './java-cluster.ts';
import { whyNoJava } from './kafka-jars.ts';

export interface RunningBroker {
  readonly bootstrapServers: string;
  readonly kind: 'container' | 'java';
  /** Only of a cluster on the local Java. */
  readonly cluster?: JavaCluster;
  stop(): Promise<void>;
}

/** A container where an engine runs, else the local Java. @throws Error naming what is missing when neither is to be had. */
export async function runBroker(options: ClusterOptions): Promise<RunningBroker> {
  const reasons: string[] = [];
  const several = (options.brokers ?? 1) > 1;
  if (several) reasons.push('a cluster of several brokers runs on the local Java only');
  else if (options.listeners !== undefined || options.scramUsers !== undefined) reasons.push('a secured broker runs on the local Java only');
  else if (containersLikely()) {
    try {
      const container = await startContainerBroker(options.properties);
      return { ...container, kind: 'container' };
    } catch (error) {
      reasons.push(`no container could be started (${(error as Error).message})`);
    }
  } else reasons.push('no container engine was found');

  const noJava = await whyNoJava();
  if (noJava === undefined) {
    try {
      const cluster = await JavaCluster.start(options);
      return { bootstrapServers: cluster.bootstrapServers, kind: 'java', cluster, stop: () => cluster.stop() };
    } catch (error) {
      reasons.push((error as Error).message);
    }
  } else reasons.push(noJava);
  throw new Error(
    'These tests need a Kafka broker, and none can be had: ' +
      `${reasons.join('; ')}. Set KAFKA_BOOTSTRAP to the address of one, or start a container engine, or install Java 17 or later`,
  );
}
