import { connect } from 'node:net';

const OFFSET_COMMIT = 8;
const VERSION = 2;

/**
 * Commit one offset of an empty group with exactly these metadata bytes, as Java's client writes them; kafka-javascript always adds a NUL.
 * Speaks to a broker that coordinates every group, so to a cluster of one.
 */
export async function rawOffsetCommit(
  bootstrapServers: string,
  groupId: string,
  at: { topic: string; partition: number; offset: number; metadata: string },
): Promise<void> {
  const body = Buffer.concat([
    int16(OFFSET_COMMIT),
    int16(VERSION),
    int32(1),
    string('raw-offset-commit'),
    string(groupId),
    // No generation and no member: from outside of the group.
    int32(-1),
    string(''),
    int64(-1),
    int32(1),
    string(at.topic),
    int32(1),
    int32(at.partition),
    int64(at.offset),
    string(at.metadata),
  ]);
  const [host, port] = (bootstrapServers.split(',')[0] as string).split(':') as [string, string];
  const answer = await exchange(host, Number(port), Buffer.concat([int32(body.length), body]));
  const error = answer.readInt16BE(answer.length - 2);
  if (error !== 0) throw new Error(`The broker refused the offset commit: error ${error}`);
}

function exchange(host: string, port: number, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const socket = connect(port, host, () => socket.write(request));
    socket.setTimeout(10_000, () => socket.destroy(new Error('The broker did not answer an offset commit')));
    socket.once('error', reject);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
      socket.destroy();
      resolve(received);
    });
  });
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function int64(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(BigInt(value));
  return buffer;
}

function string(text: string): Buffer {
  return Buffer.concat([int16(Buffer.byteLength(text)), Buffer.from(text)]);
}
