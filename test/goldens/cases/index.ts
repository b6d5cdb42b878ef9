import { aggregations } from './aggregations.ts';
import { caching } from './caching.ts';
import { errors } from './errors.ts';
import type { GoldenCases } from './helpers.ts';
import { optimisation } from './optimisation.ts';
import { processorApi } from './processor-api.ts';
import { stateless } from './stateless.ts';
import { storeCommands } from './store-commands.ts';
import { streamJoins } from './stream-joins.ts';
import { streamTableJoins } from './stream-table-joins.ts';
import { suppress } from './suppress.ts';
import { tableJoins } from './table-joins.ts';
import { tables } from './tables.ts';
import { windows } from './windows.ts';

/** The topology of every golden case, by its name. */
export const topologies: GoldenCases = {
  ...stateless,
  ...aggregations,
  ...windows,
  ...suppress,
  ...streamJoins,
  ...streamTableJoins,
  ...tableJoins,
  ...tables,
  ...optimisation,
  ...processorApi,
  ...storeCommands,
  ...errors,
  ...caching,
};

export default topologies;
