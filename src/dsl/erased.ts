import type { GlobalKTable } from './global-ktable.ts';
import type { KStream } from './kstream.ts';
import type { KTable } from './ktable.ts';
import type { Consumed, Joined, Materialized, Named, Produced, Repartitioned, StreamJoined, TableJoined } from './options.ts';

/*
 * Behind the public signatures the types of keys and values have done their work: nodes and operators are put together without them. All types that say so are here.
 */

// biome-ignore lint/suspicious/noExplicitAny: see above
type Erased = any;

export type AnyFunction = (...args: Erased[]) => Erased;
export type AnyStream = KStream<Erased, Erased>;
export type AnyTable = KTable<Erased, Erased>;
export type AnyGlobalTable = GlobalKTable<Erased, Erased>;
export type AnyConsumed = Consumed<Erased, Erased>;
export type AnyProduced = Produced<Erased, Erased>;
export type AnyRepartitioned = Repartitioned<Erased, Erased>;
export type AnyMaterialized = Materialized<Erased, Erased>;
export type AnyTableOptions = Named & AnyMaterialized;
export type AnyJoined = Joined<Erased, Erased, Erased>;
export type AnyStreamJoined = StreamJoined<Erased, Erased, Erased>;
export type AnyTableJoined = TableJoined<Erased, Erased>;
/** A stream or table whose types the caller knows. */
export type Untyped = Erased;
