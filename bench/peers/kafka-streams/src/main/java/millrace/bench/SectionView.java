package millrace.bench;

/** What the stateless workload writes: the page view and the first segment of its path. */
public record SectionView(String user, String url, long at, String section) {}
