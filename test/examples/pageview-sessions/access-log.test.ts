import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAccessLogLine } from '../../../examples/pageview-sessions/access-log.ts';

const LINE = '203.0.113.7 - - [17/May/2015:10:05:03 +0000] "GET /a/b?c=d HTTP/1.1" 200 203023 "http://example.com/" "Mozilla/5.0 (X11; Linux)"';

test('a line in the combined format is a page view at its own time', () => {
  assert.deepEqual(parseAccessLogLine(LINE), { user: '203.0.113.7', url: '/a/b?c=d', at: Date.UTC(2015, 4, 17, 10, 5, 3) });
});

test('the time zone counts', () => {
  assert.deepEqual(parseAccessLogLine(LINE.replace('+0000', '+0230')), { user: '203.0.113.7', url: '/a/b?c=d', at: Date.UTC(2015, 4, 17, 7, 35, 3) });
  assert.deepEqual(parseAccessLogLine(LINE.replace('+0000', '-0800')), { user: '203.0.113.7', url: '/a/b?c=d', at: Date.UTC(2015, 4, 17, 18, 5, 3) });
});

test('an authenticated user is the user', () => {
  const view = parseAccessLogLine(LINE.replace('- - [', '- ann lee ['));
  assert.equal('user' in view && view.user, 'ann lee');
});

test('no size, no referrer, escaped quotes, fields after the user agent: all are the combined format', () => {
  for (const line of [
    LINE.replace('203023', '-'),
    LINE.replace('"http://example.com/"', '"-"'),
    LINE.replace('Mozilla/5.0', 'Mozilla \\"quoted\\" \\\\'),
    `${LINE} 0.003 "-"`,
    LINE.replace(' HTTP/1.1', ''),
    LINE.replace('HTTP/1.1', 'HTTP/2'),
    LINE.replace('203.0.113.7', '2001:db8::1'),
  ]) {
    assert.ok('at' in parseAccessLogLine(line), line);
  }
});

test('what is not a page view says why', () => {
  const cases: [string, RegExp][] = [
    ['', /combined log format/],
    ['hello', /combined log format/],
    [LINE.slice(0, -1), /combined log format/],
    [LINE.replace('200 203023', 'ok many'), /combined log format/],
    [LINE.replace('17/May/2015', '17/Foo/2015'), /is not a time/],
    [LINE.replace('17/May/2015', '31/Feb/2015'), /is not a time/],
    [LINE.replace('10:05:03', '25:05:03'), /is not a time/],
    [LINE.replace('GET /a/b?c=d HTTP/1.1', '-'), /is not a request for a page/],
    [LINE.replace('GET /a/b?c=d HTTP/1.1', '\\x16\\x03\\x01'), /is not a request for a page/],
  ];
  for (const [line, reason] of cases) {
    const result = parseAccessLogLine(line);
    assert.ok('reason' in result, line);
    assert.match(result.reason, reason);
  }
});
