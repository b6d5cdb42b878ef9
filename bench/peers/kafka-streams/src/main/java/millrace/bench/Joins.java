package millrace.bench;

import java.time.Duration;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.state.KeyValueStore;

/** The workloads that read two topics; {@code bench/peers/millrace/workloads/joins.ts} holds the same ones for Millrace. */
final class Joins {
    public record Click(String user, String button, long at) {}

    public record ViewAndClick(String url, String button, long viewed, long clicked) {}

    public record Profile(String name, String city, long at) {}

    public record Balance(long cents, long at) {}

    public record Account(String name, String city, long cents, long moved, long booked) {}

    public record Order(String customer, long cents, long version) {}

    public record Customer(String name, int tier, long at) {}

    public record Invoice(String customer, String name, int tier, long cents, long version) {}

    private static final Serde<String> STRING = Serdes.String();
    private static final Duration WITHIN = Duration.ofSeconds(30);
    private static final Duration GRACE = Duration.ofMinutes(5);

    private Joins() {}

    static void streamJoin(final StreamsBuilder builder, final String input, final String output) {
        final Serde<PageView> view = JsonSerde.of(PageView.class);
        final Serde<Click> click = JsonSerde.of(Click.class);
        final KStream<String, PageView> views = builder.stream(input, Consumed.with(STRING, view));
        final KStream<String, Click> clicks = builder.stream(input + "-clicks", Consumed.with(STRING, click));
        views.join(clicks, (v, c) -> new ViewAndClick(v.url(), c.button(), v.at(), c.at()), JoinWindows.ofTimeDifferenceAndGrace(WITHIN, GRACE),
                StreamJoined.with(STRING, view, click).withStoreName("views-and-clicks"))
            .to(output, Produced.with(STRING, JsonSerde.of(ViewAndClick.class)));
    }

    static void tableJoin(final StreamsBuilder builder, final String input, final String output) {
        final KTable<String, Profile> profiles = table(builder, input, Profile.class, "profiles");
        final KTable<String, Balance> balances = table(builder, input + "-balances", Balance.class, "balances");
        profiles.join(balances, (profile, balance) -> new Account(profile.name(), profile.city(), balance.cents(), profile.at(), balance.at()))
            .toStream()
            .to(output, Produced.with(STRING, JsonSerde.of(Account.class)));
    }

    static void fkJoin(final StreamsBuilder builder, final String input, final String output) {
        final KTable<String, Order> orders = table(builder, input, Order.class, "orders");
        final KTable<String, Customer> customers = table(builder, input + "-customers", Customer.class, "customers");
        orders.join(customers, Order::customer,
                (order, customer) -> new Invoice(order.customer(), customer.name(), customer.tier(), order.cents(), order.version()))
            .toStream()
            .to(output, Produced.with(STRING, JsonSerde.of(Invoice.class)));
    }

    private static <V> KTable<String, V> table(final StreamsBuilder builder, final String topic, final Class<V> type, final String store) {
        final Serde<V> serde = JsonSerde.of(type);
        return builder.table(topic, Consumed.with(STRING, serde),
            Materialized.<String, V, KeyValueStore<Bytes, byte[]>>as(store).withKeySerde(STRING).withValueSerde(serde));
    }
}
