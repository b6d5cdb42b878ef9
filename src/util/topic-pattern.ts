/** Whether the whole topic name matches, as with Java's `Matcher.matches`. */
export function matchesWholeTopic(pattern: RegExp, topic: string): boolean {
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, '')).test(topic);
}
