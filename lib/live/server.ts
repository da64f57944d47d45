/** The server of a live page: for browsers on this machine alone, and for pages of its own alone. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StateError } from '../errors.ts';

const ADDRESS = '127.0.0.1';
/** Milliseconds and bytes that a request may take. */
const LIMITS = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 2000,
  connectionsCheckingInterval: 2000,
};
const MOST_CONNECTIONS = 32;

const headers = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** Answers a request that may be answered. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/**
 * Why a request is refused, or undefined. A name of this machine in `Host` keeps out pages whose own name was made to lead
 * here; any port may stand there, since tunnels have their own.
 */
function refusal({ method, headers: { host = '', origin, ...others } }: IncomingMessage) {
  if (!/^(127\.0\.0\.1|localhost)(:\d{1,5})?$/i.test(host)) return { status: 421, reason: 'unknown host' };
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`)
    return { status: 403, reason: 'other origin' };
  if (!['same-origin', 'none', undefined].includes(others['sec-fetch-site']?.toString()))
    return { status: 403, reason: 'other site' };
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, reason: 'expected GET or HEAD' };
  return undefined;
}

/** Sends a whole answer. */
export function answer(
  response: ServerResponse,
  status: number,
  text: string,
  more: Record<string, string> = {},
) {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...more });
  response.end(text);
}

async function respond(
  routes: ReadonlyMap<string, Handler>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on('error', () => undefined);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const refused = refusal(request);
  if (refused !== undefined) {
    const allow = refused.status === 405 ? { Allow: 'GET, HEAD' } : {};
    answer(response, refused.status, refused.reason, { Connection: 'close', ...allow });
    return;
  }
  const handler = routes.get(request.url?.split('?')[0] ?? '');
  if (handler === undefined) answer(response, 404, 'not found');
  else await handler(request, response);
}

/** A server that answers; it keeps no process alive. */
export class LoopbackServer {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    this.url = `http://${ADDRESS}:${port}/`;
  }

  /**
   * @param routes by path
   * @param port 0 for any that is free
   * @throws StateError for a port that cannot be had
   */
  static async listen(routes: ReadonlyMap<string, Handler>, port: number): Promise<LoopbackServer> {
    const server = createServer(LIMITS, (request, response) => {
      respond(routes, request, response).catch(() => response.destroy());
    });
    server.maxConnections = MOST_CONNECTIONS;
    server.on('connection', (socket) => socket.unref());
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const reason = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be had: ${error.message}`;
        const message = `livePage: port ${port} of ${ADDRESS} ${reason}; choose another, or 0 for any that is free`;
        reject(new StateError(message));
      });
      server.listen({ host: ADDRESS, port }, resolve);
    });
    server.unref();
    return new LoopbackServer(server);
  }

  /** Takes no more requests; answers that are under way have a second to arrive. */
  close(): void {
    this.#server.close();
    this.#server.closeIdleConnections();
    setTimeout(() => this.#server.closeAllConnections(), 1000).unref();
  }
}
