package millrace.bench;

import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/**
 * Runs one workload until its standard input closes. Every setting is Kafka Streams' default, except the ones in the arguments:
 * <pre>--bootstrap HOST:PORT --workload W --application-id ID --input TOPIC --output TOPIC --state-dir DIR
 * --guarantee at_least_once|exactly_once_v2 --threads N --commit-interval MS</pre>
 * Prints {@code ready} once each of the threads runs at least one task.
 */
public final class Main {
    private Main() {}

    public static void main(final String[] args) throws Exception {
        final Map<String, String> options = parse(args);
        final int threads = Integer.parseInt(require(options, "threads"));

        final Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, require(options, "application-id"));
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, require(options, "bootstrap"));
        config.put(StreamsConfig.STATE_DIR_CONFIG, require(options, "state-dir"));
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, require(options, "guarantee"));
        config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, threads);
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, Long.parseLong(require(options, "commit-interval")));
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");

        final KafkaStreams streams = new KafkaStreams(
            Workloads.build(require(options, "workload"), require(options, "input"), require(options, "output")), config);
        final CountDownLatch finished = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            finished.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.start();
        reportReady(streams, threads, finished);
        final Thread input = new Thread(() -> {
            try {
                while (System.in.read() >= 0) { /* only its end matters */ }
            } catch (final java.io.IOException closed) {
                // the driver is gone: the same as its end
            }
            finished.countDown();
        }, "stdin");
        input.setDaemon(true);
        input.start();
        finished.await();
        streams.close();
    }

    /** The driver opens its measurement after this, so that one thread alone is never measured for several. */
    private static void reportReady(final KafkaStreams streams, final int threads, final CountDownLatch finished) {
        final Thread watcher = new Thread(() -> {
            while (finished.getCount() > 0) {
                final boolean all = streams.state() == KafkaStreams.State.RUNNING
                    && streams.metadataForLocalThreads().stream().filter(t -> !t.activeTasks().isEmpty()).count() == threads;
                if (all) {
                    System.out.println("ready");
                    return;
                }
                try {
                    Thread.sleep(10);
                } catch (final InterruptedException stop) {
                    return;
                }
            }
        }, "ready");
        watcher.setDaemon(true);
        watcher.start();
    }

    private static Map<String, String> parse(final String[] args) {
        final Map<String, String> options = new HashMap<>();
        for (int i = 0; i < args.length; i += 2) {
            if (!args[i].startsWith("--") || i + 1 == args.length) throw new IllegalArgumentException("expected --name value, got '" + args[i] + "'");
            options.put(args[i].substring(2), args[i + 1]);
        }
        return options;
    }

    private static String require(final Map<String, String> options, final String name) {
        final String value = options.get(name);
        if (value == null) throw new IllegalArgumentException("--" + name + " is missing");
        return value;
    }
}
