/** One record of the topic `pageviews`. Its key is `user`. */
export interface PageView {
  readonly user: string;
  readonly url: string;
  /** Event time, epoch milliseconds. */
  readonly at: number;
}

/** Value of the topic `pageview-sessions`; its key is the user and the session's first and last moment. */
export interface Session {
  readonly pages: number;
  readonly entryPage: string;
  readonly exitPage: string;
  /** First and last page view, epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly durationSeconds: number;
}

/** How often one page was viewed in a window. */
export interface PageCount {
  readonly url: string;
  readonly views: number;
}

/** Value of the topic `pageviews-late`: a page view that came after its window had closed. */
export interface LateView extends PageView {
  /** By how many milliseconds the window had closed. */
  readonly lateBy: number;
}

/** Value of the topic `pageviews-malformed`: a line of an access log that is not a page view. */
export interface MalformedLine {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly reason: string;
  /** The line's start, at most 200 characters. */
  readonly text: string;
}
