package millrace.bench;

/** One input record. {@code at} is the event time in epoch milliseconds. */
public record PageView(String user, String url, long at) {}
