/**
 * The flat message in which a graph crosses to native code; native/core/graph.cc reads it.
 *
 * Little-endian 32-bit words and 64-bit floats: magic; strings (length, UTF-8 bytes); values (dtype, kind, name,
 * rank, dimensions as doubles); nodes (op, layer, inputs, outputs, attributes as key, type, value); outputs. Lists
 * start with their count; names are indices into the strings.
 */
import type { AttributeValue, DType, Graph, ValueKind } from './graph.ts';

const MAGIC = 0x31544553; // "SET1"
const dtypeCodes: Record<DType, number> = { f32: 0, i32: 1, u8: 2 };
const kindCodes: Record<ValueKind, number> = { input: 0, parameter: 1, state: 2, intermediate: 3 };

class Writer {
  #bytes = new Uint8Array(1 << 14);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }

  word(value: number): void {
    const at = this.#reserve(4);
    this.#view.setInt32(at, value, true);
  }

  number(value: number): void {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value, true);
  }

  text(value: string): void {
    const utf8 = new TextEncoder().encode(value);
    this.word(utf8.length);
    const at = this.#reserve(utf8.length);
    this.#bytes.set(utf8, at);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** Collects the distinct strings of a graph in order of first use. */
function stringTable(graph: Graph): Map<string, number> {
  const table = new Map<string, number>();
  const add = (s: string) => {
    if (!table.has(s)) table.set(s, table.size);
  };
  for (const value of graph.values) add(value.name);
  for (const node of graph.nodes) {
    add(node.op);
    add(node.layer);
    for (const [key, value] of Object.entries(node.attributes)) {
      add(key);
      if (typeof value === 'string') add(value);
    }
  }
  return table;
}

function writeAttribute(writer: Writer, strings: Map<string, number>, value: AttributeValue): void {
  if (typeof value === 'number') {
    writer.word(0);
    writer.number(value);
  } else if (typeof value === 'boolean') {
    writer.word(1);
    writer.word(value ? 1 : 0);
  } else if (typeof value === 'string') {
    writer.word(2);
    writer.word(strings.get(value)!);
  } else {
    writer.word(3);
    writer.word(value.length);
    for (const x of value) writer.number(x);
  }
}

/** Encodes a graph for native code. */
export function encodeGraph(graph: Graph): Uint8Array {
  const strings = stringTable(graph);
  const writer = new Writer();
  const ids = (list: readonly number[]) => {
    writer.word(list.length);
    for (const id of list) writer.word(id);
  };
  writer.word(MAGIC);
  writer.word(strings.size);
  for (const s of strings.keys()) writer.text(s);

  writer.word(graph.values.length);
  for (const value of graph.values) {
    writer.word(dtypeCodes[value.dtype]);
    writer.word(kindCodes[value.kind]);
    writer.word(strings.get(value.name)!);
    writer.word(value.shape.length);
    for (const d of value.shape) writer.number(d);
  }

  writer.word(graph.nodes.length);
  for (const node of graph.nodes) {
    writer.word(strings.get(node.op)!);
    writer.word(strings.get(node.layer)!);
    ids(node.inputs);
    ids(node.outputs);
    const attributes = Object.entries(node.attributes);
    writer.word(attributes.length);
    for (const [key, value] of attributes) {
      writer.word(strings.get(key)!);
      writeAttribute(writer, strings, value);
    }
  }
  ids(graph.outputs);
  return writer.finish();
}
