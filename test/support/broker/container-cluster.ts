import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { KAFKA_VERSION } from './kafka-jars.ts';
import { freePorts } from './ports.ts';
import { containerEnvironment, type ServerProperties, testProperties } from './server-properties.ts';

const IMAGE = `apache/kafka:${KAFKA_VERSION}`;

export interface ContainerBroker {
  readonly bootstrapServers: string;
  stop(): Promise<void>;
}

/** A container engine seems to be there. Loading testcontainers only to learn that there is none takes a second. */
export function containersLikely(): boolean {
  const sockets = ['/var/run/docker.sock', join(homedir(), '.docker/run/docker.sock'), join(homedir(), '.testcontainers.properties')];
  const runtime = process.env.XDG_RUNTIME_DIR;
  if (runtime !== undefined) sockets.push(join(runtime, 'docker.sock'), join(runtime, 'podman/podman.sock'));
  return process.env.DOCKER_HOST !== undefined || process.platform === 'win32' || sockets.some((path) => existsSync(path));
}

/** Apache Kafka's image through testcontainers, whose own reaper removes the container if this process dies. */
export async function startContainerBroker(extra: ServerProperties = {}): Promise<ContainerBroker> {
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import('testcontainers');
  const host = (await getContainerRuntimeClient()).info.containerRuntime.host;
  // A broker has to know its public address before it starts.
  const [port] = (await freePorts(1)) as [number];
  const properties = {
    ...testProperties(1),
    'node.id': '1',
    'process.roles': 'broker,controller',
    listeners: `PLAINTEXT://0.0.0.0:${port},CONTROLLER://127.0.0.1:29093`,
    'advertised.listeners': `PLAINTEXT://${host}:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': '1@127.0.0.1:29093',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    ...extra,
  };
  const container = await new GenericContainer(IMAGE)
    .withEnvironment({ ...containerEnvironment(properties), KAFKA_HEAP_OPTS: '-Xms64m -Xmx256m' })
    .withExposedPorts({ container: port, host: port })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(120_000)
    .start();
  return {
    bootstrapServers: `${host}:${port}`,
    stop: async () => {
      await container.stop();
    },
  };
}
