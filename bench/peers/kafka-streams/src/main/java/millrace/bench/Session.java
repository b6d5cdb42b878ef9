package millrace.bench;

/** Aggregate of the sessions workload. Components are in the order of the JSON that the peer under test writes. */
public record Session(long pages, String entry, String exit, long first, long last) {

    /** Before any page view. */
    static final Session EMPTY = new Session(0, null, null, Long.MAX_VALUE, Long.MIN_VALUE);

    Session add(final PageView view) {
        final boolean earliest = view.at() < first;
        final boolean latest = view.at() >= last;
        return new Session(pages + 1, earliest ? view.url() : entry, latest ? view.url() : exit,
            earliest ? view.at() : first, latest ? view.at() : last);
    }

    Session merge(final Session other) {
        if (pages == 0) return other;
        if (other.pages == 0) return this;
        final boolean earliest = other.first < first;
        final boolean latest = other.last >= last;
        return new Session(pages + other.pages, earliest ? other.entry : entry, latest ? other.exit : exit,
            earliest ? other.first : first, latest ? other.last : last);
    }
}
