/** Counters of one task since it was created. Plain numbers: the record path only increments them. */
export class TaskMetrics {
  /** Input records that went through the sub-topology. */
  processed = 0;
  /** Kafka Streams' `dropped-records-total`: late, null key, undecodable, negative timestamp, handled errors. */
  dropped = 0;
  /** Output records sent by sink nodes. */
  sent = 0;
  /** Runs of punctuators. */
  punctuated = 0;
  /** Calls of asynchronous operators that failed and were repeated. */
  asyncRetries = 0;
}
