/*
 * The layers, as rules: each may import what its line lists. Types count as imports.
 */
const BASE = '^src/(errors|time)[.]ts$|^src/(util|processor|serdes)/';

/** @type {Record<string, { path: string, may: string[] }>} */
const LAYERS = {
  base: { path: BASE, may: [BASE] },
  state: { path: '^src/state/', may: [BASE, '^src/state/'] },
  kafka: { path: '^src/kafka/', may: [BASE, '^src/kafka/'] },
  runtime: { path: '^src/runtime/', may: [BASE, '^src/state/', '^src/kafka/', '^src/runtime/'] },
  topology: { path: '^src/topology/', may: [BASE, '^src/state/', '^src/runtime/plan[.]ts$', '^src/topology/'] },
  operators: { path: '^src/operators/', may: [BASE, '^src/state/', '^src/operators/'] },
  dsl: { path: '^src/dsl/', may: [BASE, '^src/state/', '^src/operators/', '^src/topology/', '^src/dsl/'] },
};

const layers = Object.entries(LAYERS).map(([name, { path, may }]) => ({
  name: `layer-${name}`,
  severity: 'error',
  comment: `src/${name} imports from a layer above it, or beside it`,
  from: { path },
  to: { path: '^src/', pathNot: may },
}));

/** One place for each native dependency. */
const seams = [
  ['kafka-client', '^src/kafka/', 'node_modules/@confluentinc/kafka-javascript'],
  ['sqlite', '^src/state/sqlite/', 'node_modules/(better-sqlite3|@types/better-sqlite3)'],
].map(([name, home, path]) => ({
  name: `only-${name}`,
  severity: 'error',
  comment: `Only ${home.slice(1)} may import it`,
  from: { path: '^src/', pathNot: home },
  to: { path },
}));

module.exports = {
  forbidden: [
    ...layers,
    ...seams,
    {
      name: 'no-cycle',
      severity: 'error',
      comment: 'Modules that need each other at run time cannot be loaded in a safe order. The builders of the DSL do: each returns the others',
      from: { pathNot: '^src/dsl/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'nothing-outside-src',
      severity: 'error',
      comment: 'What is published stands on its own',
      from: { path: '^src/' },
      to: { path: '^(test|bench|chaos|examples|scripts|docs)/' },
    },
    {
      name: 'no-dev-dependency',
      severity: 'error',
      comment: 'A package that users do not get',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only', 'npm-peer'] },
    },
    { name: 'not-found', severity: 'error', comment: 'The module does not exist', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { conditionNames: ['import', 'require', 'node', 'default', 'types'], exportsFields: ['exports'] },
  },
};
