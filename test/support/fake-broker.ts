import { createServer, type Server, type Socket } from 'node:net';
import { API_VERSIONS, FETCH, LIST_OFFSETS, METADATA } from '../../src/kafka/direct/requests.ts';
import { Reader, Writer } from '../../src/kafka/direct/wire.ts';

export interface FakeRequest {
  readonly api: number;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string;
  readonly body: Reader;
}

/** The answer's body; null: none, ever. */
export type FakeAnswer = Buffer | null;

export interface FakeBrokerOptions {
  /** Undefined: ApiVersions is answered as a new broker does, others are not. */
  readonly answer?: (request: FakeRequest) => FakeAnswer | undefined | Promise<FakeAnswer | undefined>;
  /** How an answer goes over the wire. @default in one piece */
  readonly send?: (socket: Socket, frame: Buffer) => void;
}

export interface FakeBroker {
  readonly host: string;
  readonly port: number;
  readonly address: string;
  readonly requests: readonly FakeRequest[];
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/** A TCP server that frames as Kafka does, and says what the test wants. */
export async function startFakeBroker({ answer, send }: FakeBrokerOptions = {}): Promise<FakeBroker> {
  const requests: FakeRequest[] = [];
  const listener = (socket: Socket): void => {
    let rest: Buffer = Buffer.alloc(0);
    let answered: Promise<void> = Promise.resolve();
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
        const reader = new Reader(rest.subarray(4, 4 + rest.readInt32BE(0)));
        rest = rest.subarray(4 + rest.readInt32BE(0));
        const request = { api: reader.int16(), version: reader.int16(), correlationId: reader.int32(), clientId: reader.string(), body: reader };
        requests.push(request);
        answered = answered.then(async () => {
          const given = await answer?.(request);
          const body = given === undefined && request.api === API_VERSIONS.key ? apiVersions() : (given ?? null);
          if (body === null) return;
          if (send === undefined) socket.write(frame(request.correlationId, body));
          else send(socket, frame(request.correlationId, body));
        });
      }
    });
  };
  return startServer(listener, requests);
}

/** A TCP server of any kind. */
export async function startServer(onConnection: (socket: Socket) => void, requests: readonly FakeRequest[] = []): Promise<FakeBroker> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    host: '127.0.0.1',
    port,
    address: `127.0.0.1:${port}`,
    requests,
    sockets,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

export function frame(correlationId: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32BE(4 + body.length, 0);
  head.writeInt32BE(correlationId, 4);
  return Buffer.concat([head, body]);
}

/** What a broker that is new enough speaks; `max` lowers the newest version of one API. */
export function apiVersions(max: { readonly [api: number]: number } = {}): Buffer {
  const writer = new Writer().int16(0);
  return writer
    .array([API_VERSIONS, METADATA, LIST_OFFSETS, FETCH], ({ key, version }) =>
      writer
        .int16(key)
        .int16(0)
        .int16(max[key] ?? version + 1),
    )
    .finish();
}
