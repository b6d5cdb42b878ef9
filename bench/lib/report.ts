import type { Figures } from './measure.ts';

export interface Ratios {
  /** Our records/s by theirs: above 1 is faster. */
  readonly recordsPerSecond: number;
  /** Our CPU seconds by theirs: below 1 is cheaper. */
  readonly cpuSecondsPerMillion: number;
  readonly cpuSecondsPerMillionWithStart: number;
  readonly peakMemory: number;
}

/** The run with the median rate: its figures belong together. */
export function medianRun(runs: readonly Figures[]): Figures {
  const sorted = [...runs].sort((a, b) => a.recordsPerSecond - b.recordsPerSecond);
  return sorted[Math.floor((sorted.length - 1) / 2)] as Figures;
}

export function ratios(ours: Figures, theirs: Figures): Ratios {
  return {
    recordsPerSecond: ours.recordsPerSecond / theirs.recordsPerSecond,
    cpuSecondsPerMillion: ours.cpuSecondsPerMillion / theirs.cpuSecondsPerMillion,
    cpuSecondsPerMillionWithStart: ours.cpuSecondsPerMillionWithStart / theirs.cpuSecondsPerMillionWithStart,
    peakMemory: ours.peakMemory / theirs.peakMemory,
  };
}

export function figureLine(name: string, figures: Figures): string {
  const delay = figures.eventLoopDelay;
  return [
    name.padEnd(16),
    `${Math.round(figures.recordsPerSecond).toLocaleString('en').padStart(9)} records/s`,
    `${figures.cpuSecondsPerMillion.toFixed(1).padStart(6)} CPU s per million (${figures.cpuSecondsPerMillionWithStart.toFixed(1)} with start)`,
    `${(figures.peakMemory / 2 ** 20).toFixed(0).padStart(5)} MiB peak`,
    delay === null ? '' : `event loop p99 ${delay.p99.toFixed(1)} ms, max ${delay.max.toFixed(0)} ms`,
  ]
    .join('  ')
    .trimEnd();
}

export function ratioLine(ratio: Ratios): string {
  return `ratio             ${ratio.recordsPerSecond.toFixed(2)} × the records/s, ${ratio.cpuSecondsPerMillion.toFixed(2)} × the CPU (${ratio.cpuSecondsPerMillionWithStart.toFixed(2)} with start), ${ratio.peakMemory.toFixed(2)} × the memory`;
}
