/** Requests as a browser or an attacker makes them, and the events of a page. */
import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

export interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** Opens a request; its answer's body is not read yet. */
export function open(url: string, { path = '/', method = 'GET', headers = {} }: Asked = {}) {
  const { hostname, port } = new URL(url);
  let sent: ClientRequest;
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    sent = request({ hostname, port, path, method, headers, agent: false }, resolve);
    sent.on('error', reject).end();
  });
  return { answer, close: () => sent.destroy() };
}

export async function get(url: string, asked: Asked = {}): Promise<Answer> {
  const response = await open(url, asked).answer;
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode!, headers: response.headers, text };
}

/**
 * Connects as a page does. What it returns waits for the end of the run and tells the HTML of each part, as often as it
 * changed, and the last event.
 */
export async function follow(
  url: string,
): Promise<() => Promise<{ parts: Map<string, string[]>; end: string }>> {
  const response = await open(url, { path: '/events' }).answer;
  const reading = (async () => {
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return text.split('\n\n').slice(0, -1);
  })();
  return async () => {
    const events = await reading;
    const parts = new Map<string, string[]>();
    for (const event of events.slice(0, -1)) {
      const { id, html } = JSON.parse(event.slice('data: '.length)) as { id: string; html: string };
      parts.set(id, [...(parts.get(id) ?? []), html]);
    }
    return { parts, end: events.at(-1)! };
  };
}
