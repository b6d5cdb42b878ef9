package millrace.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;

/** JSON by Jackson, with a reader and a writer bound to one type: the fast way that Jackson offers. */
final class JsonSerde {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private JsonSerde() {}

    static <T> Serde<T> of(final Class<T> type) {
        final ObjectReader reader = MAPPER.readerFor(type);
        final ObjectWriter writer = MAPPER.writerFor(type);
        final Serializer<T> serializer = (topic, value) -> {
            if (value == null) return null;
            try {
                return writer.writeValueAsBytes(value);
            } catch (final IOException e) {
                throw new UncheckedIOException(e);
            }
        };
        final Deserializer<T> deserializer = (topic, data) -> {
            if (data == null) return null;
            try {
                return reader.readValue(data);
            } catch (final IOException e) {
                throw new UncheckedIOException(e);
            }
        };
        return Serdes.serdeFrom(serializer, deserializer);
    }
}
