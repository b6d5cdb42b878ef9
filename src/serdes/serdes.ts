import { avro } from './avro.ts';
import { avroRegistry } from './avro-registry.ts';
import { boolean, bytes, void as nothing, uuid } from './basics.ts';
import { json } from './json.ts';
import { list } from './list.ts';
import { bigint, double, float, integer, long, short } from './numbers.ts';
import { string } from './string.ts';
import { sessionWindowed, timeWindowed } from './windowed.ts';

/**
 * The serdes that come with Millrace. Bytes equal those of Kafka's Java serdes of the same name.
 *
 * @example
 * builder.stream('clicks', { key: serdes.string, value: serdes.json<Click>() }).groupByKey().count({ store: 'clicks-by-user', value: serdes.long });
 */
export const serdes = Object.freeze({
  string,
  json,
  long,
  bigint,
  integer,
  short,
  double,
  float,
  boolean,
  uuid,
  bytes,
  void: nothing,
  list,
  timeWindowed,
  sessionWindowed,
  avro,
  avroRegistry,
});
