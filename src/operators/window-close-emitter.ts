import type { InternalProcessorContext } from '../processor/processor.ts';
import type { StateStore } from '../state/contract/stores.ts';

const DEFAULT_EMIT_INTERVAL_MS = 1000;

/** Least wall-clock time between two scans for results that are due, milliseconds: the configuration's `emitIntervalMs`. */
export function emitIntervalMs(context: Pick<InternalProcessorContext, 'config'>): number {
  const configured = context.config('emitIntervalMs');
  return typeof configured === 'number' ? configured : DEFAULT_EMIT_INTERVAL_MS;
}

/**
 * Decides when an aggregate that emits on window close scans its store: at most once an emit interval of wall clock, and only when the close time has moved.
 * The close time of the last scan is committed with the offsets, so nothing is sent twice after a restart.
 */
export class WindowCloseEmitter {
  /** Close time of the last scan; -1 before the first. */
  lastCloseTime: number;
  readonly #context: InternalProcessorContext<never, never>;
  readonly #metadataKey: string;
  readonly #intervalMs: number;
  readonly #store: StateStore & { keepFrom?(time: number): void };
  readonly #spanMs: number;
  readonly #keeps: boolean;
  #nextScanAt = 0;

  /** `spanMs`: how long before its close time a window starts, at most (sessions, which are kept by their end: 0). */
  constructor(context: InternalProcessorContext<never, never>, metadataKey: string, store: StateStore, spanMs: number) {
    this.#store = store;
    this.#spanMs = spanMs;
    this.#keeps = context.config('keepUnsentWindows') === true;
    this.#context = context;
    this.#metadataKey = metadataKey;
    this.#intervalMs = emitIntervalMs(context);
    this.lastCloseTime = context.processorMetadata(metadataKey) ?? -1;
    this.#keep();
  }

  isDue(closeTime: number): boolean {
    const now = this.#context.currentSystemTimeMs();
    if (now < this.#nextScanAt) return false;
    this.#nextScanAt = now + this.#intervalMs;
    return this.lastCloseTime === -1 || this.lastCloseTime < closeTime;
  }

  scanned(closeTime: number): void {
    this.lastCloseTime = closeTime;
    this.#context.setProcessorMetadata(this.#metadataKey, closeTime);
    this.#keep();
  }

  /** Between two scans stream time may pass the retention of what has not been sent. */
  #keep(): void {
    if (this.#keeps) this.#store.keepFrom?.(Math.max(0, this.lastCloseTime - this.#spanMs));
  }
}
