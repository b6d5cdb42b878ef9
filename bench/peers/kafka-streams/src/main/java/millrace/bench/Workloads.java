package millrace.bench;

import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
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
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.WindowedSerdes;
import org.apache.kafka.streams.state.SessionStore;

/**
 * The workloads, one method each; {@code bench/lib/workloads.ts} holds the same ones for Millrace. A new one is a method
 * here, a line in {@link #ALL}, and its twin there.
 */
final class Workloads {
    private static final Serde<String> STRING = Serdes.String();
    private static final Serde<PageView> VIEW = JsonSerde.of(PageView.class);
    private static final Duration WINDOW = Duration.ofMinutes(5);
    private static final Duration GAP = Duration.ofMinutes(30);
    private static final Duration GRACE = Duration.ofMinutes(1);

    private static final Map<String, BiConsumer<KStream<String, PageView>, String>> ALL = new TreeMap<>(Map.of(
        "stateless", Workloads::stateless,
        "count", Workloads::count,
        "windows", Workloads::windows,
        "sessions", Workloads::sessions,
        "repartition", Workloads::repartition));

    private Workloads() {}

    static Topology build(final String workload, final String input, final String output) {
        final BiConsumer<KStream<String, PageView>, String> define = ALL.get(workload);
        if (define == null) {
            throw new IllegalArgumentException("workload is '" + workload + "': give one of " + ALL.keySet());
        }
        final StreamsBuilder builder = new StreamsBuilder();
        define.accept(builder.stream(input,
            Consumed.with(STRING, VIEW).withTimestampExtractor((record, partitionTime) -> ((PageView) record.value()).at())), output);
        return builder.build();
    }

    private static void stateless(final KStream<String, PageView> views, final String output) {
        views.filter((user, view) -> !user.startsWith("bot-"))
            .mapValues(view -> new SectionView(view.user(), view.url(), view.at(), section(view.url())))
            .to(output, Produced.with(STRING, JsonSerde.of(SectionView.class)));
    }

    private static String section(final String url) {
        final int slash = url.indexOf('/', 1);
        return slash < 0 ? url.substring(1) : url.substring(1, slash);
    }

    private static void count(final KStream<String, PageView> views, final String output) {
        views.groupByKey(Grouped.with(STRING, VIEW))
            .count(Materialized.as("views-by-user"))
            .toStream()
            .to(output, Produced.with(STRING, Serdes.Long()));
    }

    private static void windows(final KStream<String, PageView> views, final String output) {
        views.groupByKey(Grouped.with(STRING, VIEW))
            .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, GRACE))
            .count(Materialized.as("views-by-user-and-window"))
            .toStream()
            .to(output, Produced.with(WindowedSerdes.timeWindowedSerdeFrom(String.class, WINDOW.toMillis()), Serdes.Long()));
    }

    private static void sessions(final KStream<String, PageView> views, final String output) {
        final Serde<Session> session = JsonSerde.of(Session.class);
        views.groupByKey(Grouped.with(STRING, VIEW))
            .windowedBy(SessionWindows.ofInactivityGapAndGrace(GAP, GRACE))
            .aggregate(() -> Session.EMPTY, (user, view, aggregate) -> aggregate.add(view), (user, left, right) -> left.merge(right),
                Materialized.<String, Session, SessionStore<Bytes, byte[]>>as("sessions").withKeySerde(STRING).withValueSerde(session))
            .toStream()
            .to(output, Produced.with(WindowedSerdes.sessionWindowedSerdeFrom(String.class), session));
    }

    private static void repartition(final KStream<String, PageView> views, final String output) {
        views.groupBy((user, view) -> view.url(), Grouped.with("by-url", STRING, VIEW))
            .count(Materialized.as("views-by-url"))
            .toStream()
            .to(output, Produced.with(STRING, Serdes.Long()));
    }
}
