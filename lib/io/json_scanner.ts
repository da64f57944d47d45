const numberLike = /-?[0-9][0-9.eE+-]*/y;
const plainNumber = /^(?:0|[1-9][0-9]{0,15})$/;

/**
 * Reads JSON of a known structure straight from text, value by value, without building objects from it: memory
 * follows what the caller keeps, nesting is as deep as the caller's calls, and no key can meet a prototype.
 *
 * Stricter than `JSON.parse`: duplicate keys, unpaired surrogates and numbers that are not plain whole numbers in
 * [0, 2^53-1] are refused.
 */
export class JsonScanner {
  readonly #text: string;
  readonly #fail: (index: number, message: string) => never;
  #index = 0;

  /**
   * @param fail throws the caller's error for a problem at a position of the text, in UTF-16 units
   */
  constructor(text: string, fail: (index: number, message: string) => never) {
    this.#text = text;
    this.#fail = fail;
  }

  /** Skips white space and returns the position of what follows. */
  next(): number {
    for (;;) {
      const code = this.#text.charCodeAt(this.#index);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return this.#index;
      this.#index++;
    }
  }

  /** Reads an object; `member` is called after each key and must read the value. */
  object(what: string, member: (key: string) => void): void {
    const keys = new Set<string>();
    this.#list(what, 'a JSON object', '{', '}', () => {
      const start = this.next();
      const key = this.string('key');
      if (keys.has(key)) this.#fail(start, `${what}: expected each key once, received ${quote(key)} twice`);
      keys.add(key);
      if (this.#text[this.next()] !== ':') this.#unexpected(`key ${quote(key)}: expected ':'`);
      this.#index++;
      member(key);
    });
  }

  /** Reads an array of at most `limit` elements; `item` is called for each with its position and must read it. */
  array(what: string, limit: number, item: (position: number) => void): void {
    let position = 0;
    this.#list(what, 'a JSON array', '[', ']', () => {
      if (position === limit)
        this.#fail(this.next(), `${what}: expected at most ${limit} elements, received more`);
      item(position++);
    });
  }

  /** Reads a string. */
  string(what: string): string {
    const start = this.next();
    if (this.#text[start] !== '"') this.#unexpected(`${what}: expected a string`);
    let end = start + 1;
    let plain = true;
    for (; ; end++) {
      const code = this.#text.charCodeAt(end);
      if (code === 0x22) break;
      if (Number.isNaN(code)) this.#fail(start, `${what}: the string has no end`);
      if (code < 0x20) this.#fail(end, `${what}: control character in a string`);
      if (code === 0x5c) {
        plain = false;
        end++;
      }
    }
    this.#index = end + 1;
    if (plain) return this.#text.slice(start + 1, end);
    const value = this.#unescape(what, start, end + 1);
    if (/\p{Surrogate}/u.test(value)) this.#fail(start, `${what}: unpaired surrogate in a string`);
    return value;
  }

  /** Reads element `position` of an array, a whole number in [0, 2^53-1] written in digits only. */
  wholeNumber(what: string, position: number): number {
    const start = this.next();
    numberLike.lastIndex = start;
    const literal = numberLike.exec(this.#text)?.[0];
    if (literal === undefined) return this.#unexpected(`${what}[${position}]: expected a whole number`);
    const value = Number(literal);
    if (!plainNumber.test(literal) || !Number.isSafeInteger(value)) {
      this.#fail(
        start,
        `${what}[${position}]: expected a whole number from 0 to 2^53-1, received ${shorten(literal)}`,
      );
    }
    this.#index = start + literal.length;
    return value;
  }

  /** Checks that nothing but white space is left. */
  end(what: string): void {
    if (this.next() < this.#text.length) this.#unexpected(`${what}: expected nothing after it`);
  }

  #list(what: string, kind: string, open: string, close: string, element: () => void): void {
    if (this.#text[this.next()] !== open) this.#unexpected(`${what}: expected ${kind}`);
    this.#index++;
    if (this.#text[this.next()] === close) {
      this.#index++;
      return;
    }
    for (;;) {
      element();
      if (this.#text[this.next()] !== ',') break;
      this.#index++;
    }
    if (this.#text[this.#index] !== close) this.#unexpected(`${what}: expected ',' or '${close}'`);
    this.#index++;
  }

  #unexpected(message: string): never {
    const found = this.#text.slice(this.#index, this.#index + 12);
    return this.#fail(this.#index, `${message}, received ${found === '' ? 'the end' : quote(found)}`);
  }

  #unescape(what: string, start: number, end: number): string {
    try {
      return String(JSON.parse(this.#text.slice(start, end)));
    } catch {
      return this.#fail(start, `${what}: wrong escape in a string`);
    }
  }
}

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

/** A name from a file, fit for a message: quoted, control characters escaped, cut after 60 characters. */
export function quote(name: string): string {
  return `'${JSON.stringify(shorten(name)).slice(1, -1).replaceAll('\\"', '"')}'`;
}
