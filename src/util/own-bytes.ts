/** The bytes without the large buffer that they are a view of, if they are: for what is kept for long. */
export function ownBytes(bytes: Buffer): Buffer {
  return bytes.buffer.byteLength > Math.max(Buffer.poolSize, 4 * bytes.length) ? Buffer.from(bytes) : bytes;
}
