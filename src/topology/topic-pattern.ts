/** The whole topic name has to match, as with Java's `Matcher.matches`. */
export function anchored(pattern: RegExp): RegExp {
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, ''));
}

export function fullMatch(pattern: RegExp, topic: string): boolean {
  return anchored(pattern).test(topic);
}

/** As the user wrote it: `RegExp.source` escapes slashes, which topic patterns do not have in Java. */
export function patternText(pattern: RegExp): string {
  return pattern.source.replaceAll('\\/', '/');
}
