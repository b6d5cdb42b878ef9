import { type KeyValueStore, Stores, serdes } from 'millrace';
import type { Customer, Example } from '../example.ts';

export const table: Example = {
  topology(builder) {
    builder.table('customers', { key: serdes.string, value: serdes.json<Customer>(), store: 'customers' }).toStream().to('changes');
  },
  trace: `
    customers  ann  {"name":"Ann","country":"NO"}  @1
      → changes  ann  {"name":"Ann","country":"NO"}  @1
    customers  ann  null  @2
      → changes  ann  null  @2
  `,
};

export const tableFilter: Example = {
  topology(builder) {
    builder
      .table<string, Customer>('customers')
      .filter((_id, customer) => customer.country === 'NO', { store: 'norwegians' })
      .mapValues((customer) => customer.name)
      .toStream()
      .to('names');
  },
  trace: `
    customers  ann  {"name":"Ann","country":"NO"}  @1
      → names  ann  "Ann"  @1
    customers  bob  {"name":"Bob","country":"SE"}  @2
    customers  ann  {"name":"Ann","country":"SE"}  @3
      → names  ann  null  @3
  `,
};

export const tableToStream: Example = {
  topology(builder) {
    builder
      .table<string, Customer>('customers')
      .toStream((_id, customer) => customer?.country ?? 'unknown')
      .to('customers-by-country');
  },
  trace: `
    customers  ann  {"name":"Ann","country":"NO"}  @1
      → customers-by-country  NO  {"name":"Ann","country":"NO"}  @1
  `,
};

export const transformValues: Example = {
  topology(builder) {
    builder.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('versions'), serdes.string, serdes.long));
    builder
      .table<string, Customer>('customers')
      .transformValues(
        () => {
          let versions: KeyValueStore<string, number>;
          return {
            init(context) {
              versions = context.getStateStore('versions');
            },
            transform(id, customer) {
              const version = (versions.get(id) ?? 0) + 1;
              versions.put(id, version);
              return customer === null ? null : { ...customer, version };
            },
          };
        },
        { stores: ['versions'] },
      )
      .toStream()
      .to('versioned-customers');
  },
  trace: `
    customers  ann  {"name":"Ann","country":"NO"}  @1
      → versioned-customers  ann  {"name":"Ann","country":"NO","version":1}  @1
    customers  ann  {"name":"Ann","country":"SE"}  @2
      → versioned-customers  ann  {"name":"Ann","country":"SE","version":2}  @2
  `,
};

export const tableCount: Example = {
  topology(builder) {
    builder
      .table<string, Customer>('customers')
      .groupBy((id, customer) => [customer.country, id])
      .count({ store: 'customers-per-country' })
      .toStream()
      .to('counts');
  },
  trace: `
    customers  ann  {"name":"Ann","country":"NO"}  @1
      → counts  NO  1  @1
    customers  ann  {"name":"Ann","country":"SE"}  @2
      → counts  NO  0  @2
      → counts  SE  1  @2
  `,
};

export const tableReduce: Example = {
  topology(builder) {
    builder
      .table<string, number>('stock')
      .groupBy((item, amount) => [item.split('-')[0], amount])
      .reduce({ adder: (sum, amount) => sum + amount, subtractor: (sum, amount) => sum - amount }, { store: 'stock-by-kind' })
      .toStream()
      .to('stock-by-kind');
  },
  trace: `
    stock  tea-green  5  @1
      → stock-by-kind  tea  5  @1
    stock  tea-black  7  @2
      → stock-by-kind  tea  12  @2
    stock  tea-green  1  @3
      → stock-by-kind  tea  8  @3
  `,
};

export const tableAggregate: Example = {
  topology(builder) {
    builder
      .table<string, Customer>('customers')
      .groupBy((_id, customer) => [customer.country, customer.name])
      .aggregate(
        {
          initializer: (): string[] => [],
          adder: (_country, name, names) => [...names, name],
          subtractor: (_country, name, names) => names.filter((other) => other !== name),
        },
        { store: 'names-per-country', value: serdes.json<string[]>() },
      )
      .toStream()
      .to('names');
  },
  trace: `
    customers  ann  {"name":"Ann","country":"NO"}  @1
      → names  NO  ["Ann"]  @1
    customers  bob  {"name":"Bob","country":"NO"}  @2
      → names  NO  ["Ann","Bob"]  @2
    customers  ann  null  @3
      → names  NO  ["Bob"]  @3
  `,
};
