/** The names that other projects give to the parameters of the same networks. */

/** Naming schemes of weight files; see {@link LoadOptions}. */
export type KeyLayout = 'senet' | 'legacy' | 'torchvision';

export const keyLayouts: readonly KeyLayout[] = ['senet', 'legacy', 'torchvision'];

/** What wrappers put before every name: data parallelism, compilation, a module that holds the network. */
const PREFIXES = ['module.', '_orig_mod.', 'model.'];

/** The legacy names of a stem of three convolutions, SENet-154's, and of one. */
const DEEP_STEM: Readonly<Record<string, string>> = {
  conv1: 'conv1.0',
  bn1: 'conv1.1',
  conv2: 'conv1.3',
  bn2: 'conv1.4',
  conv3: 'conv1.6',
  bn3: 'bn1',
};
const PLAIN_STEM: Readonly<Record<string, string>> = { conv1: 'conv1', bn1: 'bn1' };

/** Cadene's names, which timm's `legacy_*` models have kept: `layer0`, `se_module`, `last_linear`. */
function fromLegacy(name: string, deep: boolean): string {
  const stem = /^layer0\.(conv\d|bn\d)\.(.+)$/.exec(name);
  const layer = stem && (deep ? DEEP_STEM : PLAIN_STEM)[stem[1]!];
  if (stem && layer !== undefined) return `${layer}.${stem[2]}`;
  return name.replace(/\.se_module\./, '.se.').replace(/^last_linear\./, 'fc.');
}

/** Names without what stands before all of them: as they are, and with one wrapper after the other removed. */
function* unwrapped(names: readonly string[]): Generator<readonly string[]> {
  let current = names;
  for (;;) {
    yield current;
    const prefix = PREFIXES.find((start) => current.every((name) => name.startsWith(start)));
    if (prefix === undefined || current.length === 0) return;
    current = current.map((name) => name.slice(prefix.length));
  }
}

function rename(names: readonly string[], layout: KeyLayout): readonly string[] {
  // torchvision's names are senet's.
  if (layout !== 'legacy') return names;
  const deep = names.some((name) => name.startsWith('layer0.conv2.'));
  return names.map((name) => fromLegacy(name, deep));
}

/** How the names of a file are read. */
export interface KeyMap {
  readonly keys: KeyLayout;
  /** senet's name for each name of the file, in the file's order. */
  readonly names: readonly string[];
}

/**
 * The names of a file as senet's. With `'auto'` the scheme is taken under which most names are known, of equals the first
 * of senet's own and the legacy one.
 *
 * @param known the model's names; without them a name is known that no other scheme would change
 */
export function mapKeys(
  names: readonly string[],
  keys: KeyLayout | 'auto',
  known?: ReadonlySet<string>,
): KeyMap {
  const layouts: readonly KeyLayout[] = keys === 'auto' ? ['senet', 'legacy'] : [keys];
  let best: KeyMap = { keys: layouts[0]!, names };
  let most = -1;
  for (const bare of unwrapped(names)) {
    for (const layout of layouts) {
      const mapped = rename(bare, layout);
      const found = mapped.filter((name) => (known ? known.has(name) : isPlain(name))).length;
      if (found > most) {
        best = { keys: layout, names: mapped };
        most = found;
      }
    }
  }
  return best;
}

const isPlain = (name: string): boolean =>
  fromLegacy(name, false) === name && !PREFIXES.some((prefix) => name.startsWith(prefix));
