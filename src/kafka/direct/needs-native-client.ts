/** The direct connection meets something that only librdkafka can do: an old broker, a compression. Nothing was lost; the consumer goes on with that client. */
export class NeedsNativeClient extends Error {}
