import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StubRegistry {
  readonly host: string;
  /** `METHOD /path` of every request, in order. */
  readonly requests: string[];
  /** Compatibility level by subject; a subject without one answers 404, as a real registry does. */
  readonly levels: Map<string, string>;
  /** Versions that answer 404, as `subject/version`. */
  readonly deleted: Set<string>;
  /** Called first; a status answers the request with it, 'hang' never answers. */
  intercept: ((request: string) => number | 'hang' | undefined) | undefined;
  register(subject: string, schema: unknown): number;
  close(): Promise<void>;
}

interface Answer {
  status: number;
  body: unknown;
}

/** The REST interface of a Confluent-compatible registry, as much as a serde uses, with ids that are global by schema text. */
export async function startSchemaRegistry(auth?: { username: string; password: string }): Promise<StubRegistry> {
  const schemas: { schema: string; schemaType?: string }[] = [];
  const subjects = new Map<string, number[]>();
  const levels = new Map<string, string>();
  const requests: string[] = [];
  const deleted = new Set<string>();

  const idOf = (schema: string): number => {
    const index = schemas.findIndex((entry) => entry.schema === schema);
    return index < 0 ? schemas.push({ schema }) : index + 1;
  };
  const register = (subject: string, schema: string): number => {
    const id = idOf(schema);
    const ids = subjects.get(subject) ?? [];
    if (!ids.includes(id)) subjects.set(subject, [...ids, id]);
    return id;
  };

  const answer = (method: string, path: string, body: { schema?: string; schemaType?: string; compatibility?: string } | undefined): Answer => {
    const [, kind, second, third, fourth] = path.split('/').map(decodeURIComponent);
    if (kind === 'schemas') {
      const found = schemas[Number(third) - 1];
      return found ? { status: 200, body: found } : { status: 404, body: { error_code: 40403, message: 'Schema not found' } };
    }
    if (kind === 'config' && method === 'GET') {
      const level = levels.get(second as string);
      return level
        ? { status: 200, body: { compatibilityLevel: level } }
        : { status: 404, body: { error_code: 40408, message: 'Subject does not have subject-level compatibility configured' } };
    }
    if (kind === 'config') {
      levels.set(second as string, body?.compatibility as string);
      return { status: 200, body };
    }
    if (kind === 'subjects' && method === 'POST' && third === 'versions')
      return { status: 200, body: { id: register(second as string, body?.schema as string) } };
    if (kind === 'subjects' && method === 'GET' && third === 'versions') {
      const ids = subjects.get(second as string) ?? [];
      const version = fourth === 'latest' ? ids.length : Number(fourth);
      const id = deleted.has(`${second}/${version}`) ? undefined : ids[version - 1];
      if (id === undefined) return { status: 404, body: { error_code: 40402, message: `Version ${fourth} not found.` } };
      return { status: 200, body: { subject: second, version, id, schema: schemas[id - 1]?.schema } };
    }
    if (kind === 'subjects' && method === 'POST') {
      const id = idOf(body?.schema as string);
      if (subjects.get(second as string)?.includes(id)) return { status: 200, body: { id, subject: second, version: 1, schema: body?.schema } };
      return { status: 404, body: { error_code: 40403, message: 'Schema not found' } };
    }
    return { status: 404, body: { error_code: 404, message: 'HTTP 404 Not Found' } };
  };

  const authorised = (request: IncomingMessage): boolean =>
    auth === undefined || request.headers.authorization === `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const line = `${request.method} ${request.url}`;
      requests.push(line);
      const intercepted = stub.intercept?.(line);
      if (intercepted === 'hang') return;
      const text = Buffer.concat(chunks).toString();
      let result: Answer;
      if (!authorised(request)) result = { status: 401, body: { error_code: 401, message: 'Unauthorized' } };
      else if (intercepted !== undefined) result = { status: intercepted, body: { error_code: intercepted, message: `stub says ${intercepted}` } };
      else result = answer(request.method as string, request.url as string, text === '' ? undefined : JSON.parse(text));
      response.writeHead(result.status, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
      response.end(JSON.stringify(result.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stub: StubRegistry = {
    host: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    levels,
    deleted,
    intercept: undefined,
    register: (subject, schema) => register(subject, JSON.stringify(schema)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return stub;
}
