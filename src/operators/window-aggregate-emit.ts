import type { Headers } from '../processor/headers.ts';
import type { TimestampedWindowStore } from '../state/contract/stores.ts';
import type { Windowed } from '../state/contract/values.ts';
import type { ChangeForwarder } from './change-forwarder.ts';
import { windowed } from './time-windows.ts';

/** Sends the final results of the windows that start within [from, to], in the store's order: the stores that the DSL makes for it are ordered by start, then serialised key. */
export function emitWindows<K, VA>(
  store: TimestampedWindowStore<K, VA>,
  from: number,
  to: number,
  sizeMs: number,
  forwarder: ChangeForwarder<Windowed<K>, VA>,
  headers: Headers,
): void {
  for (const [key, row] of store.fetchAll(from, to)) {
    const { start } = key.window;
    forwarder.forward(windowed(key.key, start, start + sizeMs), row.value, null, true, row.timestamp, headers);
  }
}
