package millrace.bench;

import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.WindowedSerdes;
import org.apache.kafka.streams.state.SessionStore;

/**
 * The workloads, one method each; {@code bench/peers/millrace/workloads} holds the same ones for Millrace. A new one is a method
 * here or in {@link Joins}, a line in {@link #ALL}, and its twin there.
 */
final class Workloads {
    private static final Serde<String> STRING = Serdes.String();
    private static final Serde<PageView> VIEW = JsonSerde.of(PageView.class);
    private static final Duration WINDOW = Duration.ofMinutes(5);
    private static final Duration GAP = Duration.ofMinutes(30);
    private static final Duration GRACE = Duration.ofMinutes(1);

    /** Defines a workload. A second input topic is called {@code <input>-<what it holds>}. */
    private interface Define {
        void accept(StreamsBuilder builder, String input, String output);
    }

    private static final Map<String, Define> ALL = new TreeMap<>(Map.of(
        "stateless", Workloads::stateless,
        "count", Workloads::count,
        "windows", Workloads::windows,
        "sessions", Workloads::sessions,
        "repartition", Workloads::repartition,
        "suppress", Workloads::suppress,
        "stream-join", Joins::streamJoin,
        "table-join", Joins::tableJoin,
        "fk-join", Joins::fkJoin));

    private Workloads() {}

    static Topology build(final String workload, final String input, final String output) {
        final Define define = ALL.get(workload);
        if (define == null) {
            throw new IllegalArgumentException("workload is '" + workload + "': give one of " + ALL.keySet());
        }
        final StreamsBuilder builder = new StreamsBuilder();
        define.accept(builder, input, output);
        return builder.build();
    }

    private static KStream<String, PageView> views(final StreamsBuilder builder, final String input) {
        return builder.stream(input,
            Consumed.with(STRING, VIEW).withTimestampExtractor((record, partitionTime) -> ((PageView) record.value()).at()));
    }

    private static void stateless(final StreamsBuilder builder, final String input, final String output) {
        views(builder, input).filter((user, view) -> !user.startsWith("bot-"))
            .mapValues(view -> new SectionView(view.user(), view.url(), view.at(), section(view.url())))
            .to(output, Produced.with(STRING, JsonSerde.of(SectionView.class)));
    }

    private static String section(final String url) {
        final int slash = url.indexOf('/', 1);
        return slash < 0 ? url.substring(1) : url.substring(1, slash);
    }

    private static void count(final StreamsBuilder builder, final String input, final String output) {
        views(builder, input).groupByKey(Grouped.with(STRING, VIEW))
            .count(Materialized.as("views-by-user"))
            .toStream()
            .to(output, Produced.with(STRING, Serdes.Long()));
    }

    private static void windows(final StreamsBuilder builder, final String input, final String output) {
        views(builder, input).groupByKey(Grouped.with(STRING, VIEW))
            .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, GRACE))
            .count(Materialized.as("views-by-user-and-window"))
            .toStream()
            .to(output, Produced.with(WindowedSerdes.timeWindowedSerdeFrom(String.class, WINDOW.toMillis()), Serdes.Long()));
    }

    private static void suppress(final StreamsBuilder builder, final String input, final String output) {
        views(builder, input).groupByKey(Grouped.with(STRING, VIEW))
            .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, GRACE))
            .count(Materialized.as("views-by-user-and-window"))
            .suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()))
            .toStream()
            .to(output, Produced.with(WindowedSerdes.timeWindowedSerdeFrom(String.class, WINDOW.toMillis()), Serdes.Long()));
    }

    private static void sessions(final StreamsBuilder builder, final String input, final String output) {
        final Serde<Session> session = JsonSerde.of(Session.class);
        views(builder, input).groupByKey(Grouped.with(STRING, VIEW))
            .windowedBy(SessionWindows.ofInactivityGapAndGrace(GAP, GRACE))
            .aggregate(() -> Session.EMPTY, (user, view, aggregate) -> aggregate.add(view), (user, left, right) -> left.merge(right),
                Materialized.<String, Session, SessionStore<Bytes, byte[]>>as("sessions").withKeySerde(STRING).withValueSerde(session))
            .toStream()
            .to(output, Produced.with(WindowedSerdes.sessionWindowedSerdeFrom(String.class), session));
    }

    private static void repartition(final StreamsBuilder builder, final String input, final String output) {
        views(builder, input).groupBy((user, view) -> view.url(), Grouped.with("by-url", STRING, VIEW))
            .count(Materialized.as("views-by-url"))
            .toStream()
            .to(output, Produced.with(STRING, Serdes.Long()));
    }
}
