export { type GoldenCase, type GoldenFile, goldenFiles, readGolden } from './golden-case.ts';
export type { GoldenDifference } from './golden-diff.ts';
export { type GoldenTopologies, type GoldenTopology, runGolden } from './run-golden.ts';
