import type { Headers } from '../processor/headers.ts';
import type { TimestampedWindowStore } from '../state/contract/stores.ts';
import type { Windowed } from '../state/contract/values.ts';
import type { ChangeForwarder } from './change-forwarder.ts';
import { windowed } from './time-windows.ts';

/** Sends the final results of the windows that start within [from, to], by start and then serialised key: stores iterate by key first, so they are sorted here. */
export function emitWindows<K, VA>(
  store: TimestampedWindowStore<K, VA>,
  from: number,
  to: number,
  sizeMs: number,
  forwarder: ChangeForwarder<Windowed<K>, VA>,
  headers: Headers,
): void {
  const closed = [...store.fetchAll(from, to)];
  closed.sort(([a], [b]) => a.window.start - b.window.start);
  for (const [key, row] of closed) {
    const { start } = key.window;
    forwarder.forward(windowed(key.key, start, start + sizeMs), row.value, null, true, row.timestamp, headers);
  }
}
