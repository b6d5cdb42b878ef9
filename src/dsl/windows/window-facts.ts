import type { Serde } from '../../serdes/serde.ts';
import { sessionWindowed, timeWindowed } from '../../serdes/windowed.ts';
import { SessionWindows } from './session-windows.ts';
import { SlidingWindows } from './sliding-windows.ts';
import type { TimeWindows } from './time-windows.ts';
import { UnlimitedWindows } from './unlimited-windows.ts';

type AnyWindows = TimeWindows | UnlimitedWindows | SlidingWindows | SessionWindows;

/** What a window store has to know of the windows in it. */
export interface WindowFacts {
  /** Milliseconds. */
  readonly sizeMs: number;
  /** The least time that windows must be kept for, and how that is said. */
  readonly leastRetentionMs: number;
  readonly leastRetentionText: string;
  readonly sliding: boolean;
}

export function windowFacts(windows: TimeWindows | UnlimitedWindows | SlidingWindows): WindowFacts {
  if (windows instanceof UnlimitedWindows) {
    return {
      sizeMs: Number.MAX_SAFE_INTEGER,
      leastRetentionMs: Number.MAX_SAFE_INTEGER,
      leastRetentionText: 'no end, as unlimited windows have none',
      sliding: false,
    };
  }
  if (windows instanceof SlidingWindows) {
    const { timeDifferenceMs, graceMs } = windows;
    return {
      sizeMs: timeDifferenceMs,
      leastRetentionMs: 2 * timeDifferenceMs + graceMs,
      leastRetentionText: `twice the time difference of ${timeDifferenceMs} ms plus the grace period of ${graceMs} ms`,
      sliding: true,
    };
  }
  return {
    sizeMs: windows.sizeMs,
    leastRetentionMs: windows.sizeMs + windows.graceMs,
    leastRetentionText: `the window size of ${windows.sizeMs} ms plus the grace period of ${windows.graceMs} ms`,
    sliding: false,
  };
}

/** Stream time after a window's end until nothing changes it any more. */
export function closesAfter(windows: AnyWindows): number {
  if (windows instanceof SessionWindows) return windows.gapMs + windows.graceMs;
  return windows instanceof UnlimitedWindows ? 0 : windows.graceMs;
}

/** Serde of the windowed keys, where that of the keys is known. */
export function keySerdeOf(keySerde: Serde<unknown> | undefined, windows: AnyWindows): Serde<unknown> | undefined {
  if (keySerde === undefined) return undefined;
  if (windows instanceof SessionWindows) return sessionWindowed(keySerde) as Serde<unknown>;
  return timeWindowed(keySerde, Math.max(windowFacts(windows).sizeMs, 1)) as Serde<unknown>;
}
