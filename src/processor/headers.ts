/** One record header. A value may be null, as in Kafka. */
export type Header = readonly [key: string, value: Buffer | null];

/** Headers in their order on the wire; immutable, shared between records. */
export type Headers = readonly Header[];

export const NO_HEADERS: Headers = Object.freeze([]);
