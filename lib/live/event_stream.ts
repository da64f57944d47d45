/** Parts of a page, sent as they change to those who have it open (server-sent events, HTML standard 9.2). */
import type { ServerResponse } from 'node:http';
import type { Section } from './sections.ts';
import { answer } from './server.ts';

/** A second: what changes faster is not read anyway. */
const INTERVAL_MS = 1000;
const MOST_CLIENTS = 8;

export class EventStream {
  readonly #sections: readonly Section[];
  /** The version of each part that a client has. */
  readonly #clients = new Map<ServerResponse, Map<string, number>>();
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;

  constructor(sections: readonly Section[]) {
    this.#sections = sections;
  }

  /** Takes a client on. */
  async open(response: ServerResponse): Promise<void> {
    if (this.#clients.size >= MOST_CLIENTS) {
      answer(response, 503, 'too many pages are open');
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream', Connection: 'close' });
    response.flushHeaders();
    this.#clients.set(response, new Map());
    response.on('close', () => {
      this.#clients.delete(response);
      if (this.#clients.size === 0) this.#stopTimer();
    });
    this.#timer ??= setInterval(() => this.#send(), INTERVAL_MS).unref();
    await this.#send();
  }

  /** Sends what has changed and says that nothing will any more. */
  async end(): Promise<void> {
    this.#stopTimer();
    await this.#sending;
    await this.#sendTo([...this.#clients]);
    for (const client of this.#clients.keys()) client.end('event: end\ndata:\n\n');
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** One after the other, so that no client gets an older part behind a newer one. */
  async #send(): Promise<void> {
    // One that does not read gets the newest when it does.
    const reading = [...this.#clients].filter(([client]) => !client.writableNeedDrain);
    this.#sending ??= this.#sendTo(reading).finally(() => {
      this.#sending = undefined;
    });
    await this.#sending;
  }

  async #sendTo(clients: readonly (readonly [ServerResponse, Map<string, number>])[]): Promise<void> {
    for (const section of this.#sections) {
      const version = section.version();
      const waiting = clients.filter(([, sent]) => sent.get(section.id) !== version);
      if (waiting.length === 0) continue;
      const event = `data: ${JSON.stringify({ id: section.id, html: await section.html() })}\n\n`;
      for (const [client, sent] of waiting) {
        client.write(event);
        sent.set(section.id, version);
      }
    }
  }
}
