import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TopologyError } from '../../src/errors.ts';
import { serdes } from '../../src/serdes/serdes.ts';
import { Stores } from '../../src/state/stores.ts';
import { Topology } from '../../src/topology/topology.ts';

const nothing = () => ({ process() {} });
const store = (name: string) => Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(name), serdes.string, serdes.string);

function refuses(build: () => unknown, message: RegExp): void {
  assert.throws(build, (error) => error instanceof TopologyError && message.test(error.message));
}

describe('Topology', () => {
  it('puts nodes that share an edge or a store in one sub-topology', () => {
    const topology = new Topology()
      .addSource('in1', 'a')
      .addSource('in2', 'b')
      .addSource('in3', 'c')
      .addProcessor('p1', nothing, 'in1')
      .addProcessor('p2', nothing, 'in2')
      .addStateStore(store('shared'), 'p1', 'p2')
      .addSink('out', 'd', {}, 'in3');
    const description = topology.describe();
    assert.deepEqual(
      description.subtopologies.map((part) => part.nodes.map((node) => node.name)),
      [
        ['in1', 'in2', 'p1', 'p2'],
        ['in3', 'out'],
      ],
    );
    assert.deepEqual(
      description.subtopologies[0]?.nodes.map((node) => node.stores),
      [[], [], ['shared'], ['shared']],
    );
  });

  it('adds and connects the stores that a supplier brings', () => {
    const topology = new Topology().addSource('in', 'a').addProcessor('p', { get: nothing, stores: () => [store('own')] }, 'in');
    const [part] = topology.plan({ applicationId: 'app' }).subtopologies;
    assert.deepEqual(
      part?.stores.map((plan) => plan.builder.name),
      ['own'],
    );
    const processor = part?.nodes.find((node) => node.name === 'p');
    assert.deepEqual(processor?.kind === 'processor' && processor.stores, ['own']);
  });

  it('keeps children in the order they were added: it is that of forwarding', () => {
    const topology = new Topology().addSource('in', 'a').addSink('z', 'z', {}, 'in').addProcessor('m', nothing, 'in').addSink('a', 'a2', {}, 'in');
    assert.deepEqual(topology.plan({ applicationId: 'app' }).subtopologies[0]?.nodes[0]?.children, ['z', 'm', 'a']);
  });

  it('says what is wrong, where, and what to do', () => {
    refuses(() => new Topology().addSource('in', []), /Source in has no topics: give at least one/);
    refuses(() => new Topology().addSource('in', 'a').addSource('in', 'b'), /Processor in is already added: give one of the two another name/);
    refuses(() => new Topology().addSource('x', 'a').addSource('y', 'a'), /Topic a has already been registered by another source.*\[topic a\]/);
    refuses(() => new Topology().addSource('x', 'abc').addSource('y', /a.*/), /Pattern a\.\* matches topic abc/);
    refuses(() => new Topology().addSource('x', /a.*/).addSource('y', 'abc'), /Topic abc matches the pattern a\.\* of source x/);
    refuses(() => new Topology().addProcessor('p', nothing), /Processor p must have at least one parent/);
    refuses(() => new Topology().addProcessor('p', nothing, 'p'), /cannot be its own parent/);
    refuses(() => new Topology().addProcessor('p', nothing, 'q'), /Parent q of p is not added yet/);
    refuses(() => new Topology().addSource('in', 'a').addSink('s', 'b', {}, 'in').addProcessor('p', nothing, 's'), /Sink s cannot be a parent of p/);
    refuses(() => new Topology().addSource('in', 'a').addStateStore(store('s'), 'p'), /Processor p is not added yet/);
    refuses(() => new Topology().addSource('in', 'a').addStateStore(store('s'), 'in'), /in is a source: only processors use state stores/);
    refuses(() => new Topology().addStateStore(store('s')).addStateStore(store('s')), /A different state store has already been added with the name s/);
    refuses(
      () => new Topology().addSource('in', 'a').addProcessor('p', nothing, 'in').connectProcessorAndStateStores('p', 's'),
      /State store s is not added yet/,
    );
    refuses(() => new Topology().connectProcessorAndStateStores('p'), /Name at least one state store/);
    const shared = nothing();
    refuses(() => new Topology().addSource('in', 'a').addProcessor('p', () => shared, 'in'), /returns the same object each time/);
    refuses(() => new Topology().addSource('in', 'a').addProcessor('p', {} as never, 'in'), /needs a function that makes a processor/);
  });

  it('takes the same store builder twice', () => {
    const builder = store('s');
    const topology = new Topology()
      .addSource('in', 'a')
      .addProcessor('p', nothing, 'in')
      .addProcessor('q', nothing, 'in')
      .addStateStore(builder, 'p')
      .addStateStore(builder, 'q');
    assert.deepEqual(topology.plan({ applicationId: 'app' }).subtopologies[0]?.stores.length, 1);
  });

  it('reads a topic into a read-only store, which restores from that topic', () => {
    const topology = new Topology().addReadOnlyStateStore(store('ro'), 'facts', { sourceName: 'src', processorName: 'fill' }, nothing);
    const [part] = topology.plan({ applicationId: 'app' }).subtopologies;
    assert.deepEqual(
      part?.stores.map((plan) => [plan.changelogTopic, plan.changelogIsSource, plan.builder.loggingEnabled]),
      [['facts', true, false]],
    );
    assert.deepEqual(part?.internalTopics, []);
    const source = part?.nodes[0];
    assert.equal(source?.kind === 'source' && source.offsetReset, 'earliest');
  });

  it('describes global stores as Kafka Streams', () => {
    const options = { sourceName: 'src', processorName: 'fill' };
    const topology = new Topology()
      .addGlobalStore(store('g').withLoggingDisabled(), 'topic', options, nothing)
      .addSource('in', 'a')
      .addProcessor('p', nothing, 'in');
    assert.equal(
      String(topology.describe()),
      [
        'Topologies:',
        '   Sub-topology: 0 for global store (will not generate tasks)',
        '    Source: src (topics: [topic])',
        '      --> fill',
        '    Processor: fill (stores: [g])',
        '      --> none',
        '      <-- src',
        '  Sub-topology: 1',
        '    Source: in (topics: [a])',
        '      --> p',
        '    Processor: p (stores: [])',
        '      --> none',
        '      <-- in',
        '',
        '',
      ].join('\n'),
    );
    refuses(() => new Topology().addGlobalStore(store('g'), 'topic', options, nothing), /must not have logging enabled/);
    refuses(() => new Topology().addGlobalStore(store('g').withLoggingDisabled(), 'topic', { sourceName: 'x', processorName: 'x' }, nothing), /both named x/);
    refuses(() => topology.connectProcessorAndStateStores('p', 'g'), /can be used by every processor without being named/);
    refuses(() => topology.addSource('again', 'topic'), /Topic topic has already been registered/);
  });
});
